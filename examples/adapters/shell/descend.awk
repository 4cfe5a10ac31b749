# Linear regression by gradient descent on all rows, on standardised columns. Used
# behind common.awk on the training split; -v iterations, rate, every, start (the step
# to go on after), and `checkpoint` in the environment. Appends events, writes
# checkpoints, and prints the model as lines NAME, tab, WEIGHT in the data's own units;
# the first is the bias and has no name.

BEGIN { FS = ","; checkpoint = ENVIRON["checkpoint"] }

{ sub(/\r$/, "") }
$0 == "" { next }
NR == 1 { header(); next }

{
    check(++rows)
    for (j = 1; j <= columns; j++) x[rows, j] = $(column[j])
    y[rows] = $target_at
}

END {
    if (!rows) refuse(65, "", "split train has no rows")
    say(sprintf("{\"entry\": {\"train\": {\"shape\": [%d, %d], \"dtype\": \"float64\", \"device\": \"cpu\"}}}", rows, columns))
    standardise()
    if (checkpoint != "") restore()
    for (iteration = start + 1; iteration <= iterations; iteration++) {
        descend()
        say(sprintf("{\"step\": %d, \"metrics\": {\"train/rmse\": %.17g}, \"progress\": {\"done\": %d, \"total\": %d}}", iteration, rmse(), iteration, iterations))
        if (iteration % every == 0) save(iteration)
    }
    bias = weight[0] * y_scale + y_mean
    for (j = 1; j <= columns; j++) bias -= weight[j] * y_scale / scale[j] * mean[j]
    printf "\t%.17g\n", bias
    for (j = 1; j <= columns; j++) printf "%s\t%.17g\n", name[column[j]], weight[j] * y_scale / scale[j]
}

function standardise(    i, j, squares) {
    for (j = 1; j <= columns; j++) {
        for (i = 1; i <= rows; i++) mean[j] += x[i, j] / rows
        squares = 0
        for (i = 1; i <= rows; i++) squares += (x[i, j] - mean[j]) ^ 2
        scale[j] = squares > 0 ? sqrt(squares / rows) : 1
        for (i = 1; i <= rows; i++) x[i, j] = (x[i, j] - mean[j]) / scale[j]
    }
    squares = 0
    for (i = 1; i <= rows; i++) y_mean += y[i] / rows
    for (i = 1; i <= rows; i++) squares += (y[i] - y_mean) ^ 2
    y_scale = squares > 0 ? sqrt(squares / rows) : 1
    for (i = 1; i <= rows; i++) y[i] = (y[i] - y_mean) / y_scale
}

function residual(i,    j, sum) {
    sum = weight[0] - y[i]
    for (j = 1; j <= columns; j++) sum += weight[j] * x[i, j]
    return sum
}

function descend(    i, j, error, gradient) {
    for (i = 1; i <= rows; i++) {
        error = residual(i)
        gradient[0] += error
        for (j = 1; j <= columns; j++) gradient[j] += error * x[i, j]
    }
    for (j = 0; j <= columns; j++) weight[j] -= rate * gradient[j] / rows
}

function rmse(    i, squares) {
    for (i = 1; i <= rows; i++) squares += residual(i) ^ 2
    # Neither infinity nor NaN is below a great number.
    if (!(squares < 1e300)) refuse(64, "learning_rate", "training diverged; lower learning_rate")
    return y_scale * sqrt(squares / rows)
}

# 17 digits are a double's exact text, so nothing is lost. The shell renames: it has the
# run directory in its environment, so no name needs quoting.
function save(iteration,    j, path) {
    path = "checkpoints/iteration-" iteration ".txt"
    for (j = 0; j <= columns; j++) printf "%.17g\n", weight[j] >(run "/" path ".partial")
    close(run "/" path ".partial")
    if (system("mv \"$run/" path ".partial\" \"$run/" path "\"")) refuse(1, "", "a checkpoint cannot be renamed")
    say(sprintf("{\"checkpoint\": {\"step\": %d, \"path\": \"%s\"}}", iteration, path))
}

function restore(    j, line) {
    for (j = 0; (getline line <checkpoint) > 0; j++) weight[j] = line + 0
    if (j != columns + 1) refuse(65, "", "the checkpoint is not of this dataset")
}
