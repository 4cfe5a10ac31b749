"""Finds the minimum of a bowl by gradient descent and prints a table; no options."""

EPOCHS = 12
RATE = 0.2


def bowl(x, y):
    """A function with its minimum at (3, -1)."""
    return (x - 3.0) ** 2 + 2.0 * (y + 1.0) ** 2


def main():
    """Prints one row of numbers per epoch."""
    x = y = 0.0
    print("epoch   train_loss   distance")
    for epoch in range(1, EPOCHS + 1):
        x -= RATE * 2.0 * (x - 3.0)
        y -= RATE * 4.0 * (y + 1.0)
        distance = ((x - 3.0) ** 2 + (y + 1.0) ** 2) ** 0.5
        print(f"{epoch:5d} {bowl(x, y):12.6f} {distance:10.5f}")


if __name__ == "__main__":
    main()
