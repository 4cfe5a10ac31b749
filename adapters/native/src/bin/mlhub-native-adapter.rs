//! The native adapter as a program of its own, for use without the hub's binary.

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    std::process::exit(mlhub_adapter_native::main_with_args(&args));
}
