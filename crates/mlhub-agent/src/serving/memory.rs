//! How much memory a process group has, from the process table.

/// Resident bytes of all processes of the group. Pages they share count once
/// for each; a process that cannot be read counts nothing.
pub(crate) fn group_bytes(group: i32) -> u64 {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return 0;
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            (group_of(&stat)? == group).then_some(pid)
        })
        .filter_map(|pid| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            resident_bytes(&status)
        })
        .sum()
}

/// The third field after the name, which stands in brackets and may hold anything.
fn group_of(stat: &str) -> Option<i32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(2)?.parse().ok()
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_behind_any_name() {
        assert_eq!(group_of("12 (a) b (c)) S 1 77 77 0"), Some(77));
        assert_eq!(
            resident_bytes("Name:\tx\nVmRSS:\t  100 kB\n"),
            Some(102_400)
        );
    }

    #[test]
    fn this_process_has_memory() {
        let own = std::fs::read_to_string("/proc/self/stat").expect("a process table");
        assert!(group_bytes(group_of(&own).expect("a group")) > 0);
    }
}
