//! Lines by which programs tell why they died, of the frameworks and of the machine.
//!
//! A sign is a text that its program prints when it fails of this and hardly otherwise. Only
//! programs that failed are looked at, and only the end of what they printed, so that what
//! was told and survived long before is not blamed.

use super::classify::Lines;

/// Lines at the end of a stream that are looked through: launchers of many processes print
/// long reports behind what matters.
const LINES_LOOKED_THROUGH: usize = 300;

type Test = fn(&str) -> bool;

/// Classes with their signs, the most telling first: what follows of another stands behind it.
const SIGNS: [(&str, Test); 8] = [
    ("gpu_out_of_memory", |line| {
        has(
            line,
            &[
                "CUDA out of memory",
                "CUDA error: out of memory",
                "OutOfMemoryError",
                "CUDA_ERROR_OUT_OF_MEMORY",
                "cudaErrorMemoryAllocation",
                "CUBLAS_STATUS_ALLOC_FAILED",
                "HIP out of memory",
                "hipErrorOutOfMemory",
                "MPS backend out of memory",
                "XPU out of memory",
                "RESOURCE_EXHAUSTED: Out of memory",
                "ResourceExhaustedError: OOM when allocating",
            ],
        ) && !line.contains("java.lang.OutOfMemoryError")
    }),
    ("host_out_of_memory", |line| {
        line.trim() == "MemoryError"
            || line.starts_with("MemoryError:")
            || line.starts_with("memory allocation of ")
            || has(
                line,
                &[
                    "_ArrayMemoryError",
                    "std::bad_alloc",
                    "java.lang.OutOfMemoryError",
                    "DefaultCPUAllocator: not enough memory",
                    "DefaultCPUAllocator: can't allocate memory",
                    "out of shared memory",
                    "[Errno 12] Cannot allocate memory",
                    "oom-kill event",
                    "oom_kill event",
                ],
            )
    }),
    ("disk_full", |line| {
        has(
            line,
            &[
                "No space left on device",
                "[Errno 28]",
                "Disk quota exceeded",
            ],
        )
    }),
    ("timeout", |line| {
        line.contains("slurmstepd") && line.contains("DUE TO TIME LIMIT")
    }),
    ("killed", |line| {
        line.contains("slurmstepd") && line.contains("CANCELLED AT")
    }),
    ("nccl", |line| {
        has(
            line,
            &[
                "NCCL error",
                "NCCL WARN",
                "ncclUnhandledCudaError",
                "ncclSystemError",
                "ncclInternalError",
                "ncclRemoteError",
                "Watchdog caught collective operation timeout",
                "DistBackendError:",
                "Gloo connectFullMesh failed",
            ],
        ) && !line.contains("NCCL WARN NET/")
    }),
    ("gpu_error", |line| {
        has(
            line,
            &[
                "CUDA error:",
                "CUDA_ERROR_",
                "cuDNN error",
                "CUDNN_STATUS_",
                "CUBLAS_STATUS_",
                "device-side assert triggered",
                "HIP error:",
                "no kernel image is available",
                "Found no NVIDIA driver",
            ],
        )
    }),
    ("import", |line| {
        line.starts_with("ModuleNotFoundError:")
            || line.starts_with("ImportError:")
            || line.contains("error while loading shared libraries")
    }),
];

/// What the frameworks say when they give up a training whose loss is no number.
const LOSS_IS_NO_NUMBER: [&str; 8] = [
    "loss is nan",
    "loss is not finite",
    "non-finite loss",
    "nonfinite loss",
    "nan loss",
    "invalid loss, terminating training",
    "returned in `training_step` is nan",
    "loss became nan",
];

fn has(line: &str, signs: &[&str]) -> bool {
    signs.iter().any(|sign| line.contains(sign))
}

/// Progress lines say so, too: only an error or a decision to stop counts.
fn gives_up_for_nan(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    let gives_up = [
        "error",
        "exception",
        "terminat",
        "stopping",
        "abort",
        "assert",
        "detected",
    ];
    has(&line, &LOSS_IS_NO_NUMBER) && has(&line, &gives_up)
}

/// A sign that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sign {
    pub(crate) class: &'static str,
    /// In which stream, standard error first.
    pub(crate) stream: usize,
    /// Which of its lines.
    pub(crate) line: usize,
}

/// The most telling sign in what was printed, standard error first; of one class the last.
pub(crate) fn find(streams: &[Lines]) -> Option<Sign> {
    let last = |test: &dyn Fn(&str) -> bool| {
        streams.iter().enumerate().find_map(|(stream, lines)| {
            let from = lines.0.len().saturating_sub(LINES_LOOKED_THROUGH);
            let line = lines.0[from..].iter().rposition(|line| test(line))?;
            Some((stream, from + line))
        })
    };
    let nan: (&str, Test) = ("not_a_number", gives_up_for_nan);
    SIGNS.iter().chain([&nan]).find_map(|(class, test)| {
        let (stream, line) = last(test)?;
        Some(Sign {
            class,
            stream,
            line,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(line: &str) -> Option<&'static str> {
        let lines = Lines(vec![
            "before".to_owned(),
            line.to_owned(),
            "after".to_owned(),
        ]);
        find(&[lines, Lines::default()]).map(|sign| sign.class)
    }

    #[test]
    fn what_frameworks_print_is_understood() {
        for (line, expected) in [
            (
                "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
                "gpu_out_of_memory",
            ),
            (
                "RuntimeError: CUDA error: out of memory; CUDA_ERROR_OUT_OF_MEMORY",
                "gpu_out_of_memory",
            ),
            (
                "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes.",
                "gpu_out_of_memory",
            ),
            (
                "ResourceExhaustedError: OOM when allocating tensor with shape[1024]",
                "gpu_out_of_memory",
            ),
            (
                "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space",
                "host_out_of_memory",
            ),
            (
                "RuntimeError: [enforce fail at alloc_cpu.cpp:75] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.",
                "host_out_of_memory",
            ),
            (
                "It is possible that dataloader's workers are out of shared memory.",
                "host_out_of_memory",
            ),
            (
                "terminate called after throwing an instance of 'std::bad_alloc'",
                "host_out_of_memory",
            ),
            (
                "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8 TiB",
                "host_out_of_memory",
            ),
            (
                "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.batch.",
                "host_out_of_memory",
            ),
            ("OSError: [Errno 122] Disk quota exceeded", "disk_full"),
            (
                "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-01T00:00:00 DUE TO TIME LIMIT ***",
                "timeout",
            ),
            (
                "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-01T00:00:00 ***",
                "killed",
            ),
            (
                "torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:1",
                "nccl",
            ),
            (
                "[Rank 3] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=7)",
                "nccl",
            ),
            (
                "RuntimeError: CUDA error: an illegal memory access was encountered",
                "gpu_error",
            ),
            (
                "RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
                "gpu_error",
            ),
            (
                "RuntimeError: CUDA error: device-side assert triggered",
                "gpu_error",
            ),
            (
                "ImportError: libcudnn.so.9: cannot open shared object file",
                "import",
            ),
            (
                "./train: error while loading shared libraries: libfoo.so.1",
                "import",
            ),
            ("ValueError: Loss is NaN at step 12", "not_a_number"),
            (
                "Batch 3: Invalid loss, terminating training",
                "not_a_number",
            ),
            (
                "RuntimeError: The loss returned in `training_step` is nan.",
                "not_a_number",
            ),
            ("FloatingPointError: non-finite loss", "not_a_number"),
        ] {
            assert_eq!(class(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn ordinary_lines_are_no_signs() {
        for line in [
            "epoch 3, loss is nan",
            "step 4 loss=nan lr=0.1",
            "loss of MemoryError detection",
            "NCCL version 2.18.1+cuda12.1",
            "n1:7:9 [0] NCCL WARN NET/IB : No device found.",
            "using cuDNN 8902, CUDA 12.1",
            "error: nothing known",
            "ImportErrors: 0",
        ] {
            assert_eq!(class(line), None, "{line}");
        }
    }

    #[test]
    fn only_the_end_is_looked_through() {
        let mut lines = vec!["CUDA out of memory".to_owned()];
        lines.extend((0..LINES_LOOKED_THROUGH - 1).map(|at| at.to_string()));
        assert!(find(&[Lines(lines.clone())]).is_some());
        lines.push("one more".to_owned());
        assert_eq!(find(&[Lines(lines)]), None);
    }
}
