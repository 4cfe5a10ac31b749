//! Image folders and plain folders.

use mlhub_data::{Format, inspect};

use crate::fixtures::{Folder, look, refusal};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0rest";

fn pets(folder: &Folder) -> std::path::PathBuf {
    folder.write("pets/cat/1.png", PNG);
    folder.write("pets/cat/2.jpg", JPEG);
    folder.write("pets/dog/1.JPEG", [JPEG, b"!"].concat());
    folder.path("pets")
}

#[test]
fn an_image_folder_has_a_class_per_subfolder() {
    let folder = Folder::new();
    let root = pets(&folder);
    folder.write("pets/LICENSE", "free");
    folder.write("pets/cat/.DS_Store", "desktop");
    let inspection = look(&root).unwrap();
    assert_eq!(
        (inspection.format, inspection.rows),
        (Format::ImageFolder, Some(3))
    );
    let files: Vec<_> = inspection
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(files, ["LICENSE", "cat/1.png", "cat/2.jpg", "dog/1.JPEG"]);
    assert_eq!(
        (
            inspection.columns[0].name.as_str(),
            inspection.columns[0].distinct
        ),
        ("class", 2)
    );
}

#[test]
fn what_is_not_an_image_is_refused() {
    let folder = Folder::new();
    let root = pets(&folder);
    folder.write("pets/dog/2.png", JPEG);
    let message = refusal(&root);
    assert!(
        message.contains("1 file(s) in class folders are not PNG or JPEG images")
            && message.contains("`dog/2.png`"),
        "{message}"
    );
}

#[test]
fn a_plain_folder_is_fingerprinted_by_paths_and_contents() {
    let folder = Folder::new();
    folder.write("d/a/x.bin", "1");
    folder.write("d/b.txt", "2");
    let inspection = look(&folder.path("d")).unwrap();
    assert_eq!(
        (inspection.format, inspection.rows, inspection.size_bytes),
        (Format::Folder, None, 2)
    );
    assert_eq!(
        inspection.fingerprint,
        "v1:4265968c151bc5343cf936429ba630e58bc6177b154e69c4d56fa0dc044e7987"
    );
    std::fs::rename(folder.path("d/b.txt"), folder.path("d/c.txt")).unwrap();
    assert_ne!(
        look(&folder.path("d")).unwrap().fingerprint,
        inspection.fingerprint
    );
}

#[test]
fn an_empty_folder_is_refused() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("d")).unwrap();
    assert!(refusal(&folder.path("d")).contains("the folder holds no files"));
    assert!(inspect(&folder.path("d"), Some(Format::ImageFolder), &mut |_| {}).is_err());
}

#[cfg(unix)]
#[test]
fn links_stay_inside() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    folder.write("secret.txt", "SAMPLE");
    folder.write("d-evil/x", "SAMPLE");
    folder.write("d/a.txt", "1");
    symlink("a.txt", folder.path("d/alias.txt")).unwrap();
    assert_eq!(
        look(&folder.path("d")).unwrap().files.len(),
        2,
        "a link to a file inside counts as a file"
    );

    for target in ["../secret.txt", "../d-evil/x", "/etc/passwd", "../d-evil"] {
        let link = folder.path("d/link");
        symlink(target, &link).unwrap();
        let message = refusal(&folder.path("d"));
        assert!(
            message.contains("d/link: refused: it is a link to something outside"),
            "{target}: {message}"
        );
        std::fs::remove_file(link).unwrap();
    }
    symlink(".", folder.path("d/loop")).unwrap();
    assert!(refusal(&folder.path("d")).contains("a link to a folder"));
    std::fs::remove_file(folder.path("d/loop")).unwrap();
    symlink("nowhere", folder.path("d/broken")).unwrap();
    assert!(refusal(&folder.path("d")).contains("cannot follow the link"));
}

#[cfg(unix)]
#[test]
fn sockets_are_refused_instead_of_read() {
    let folder = Folder::new();
    folder.write("d/a.txt", "1");
    let _listener = std::os::unix::net::UnixListener::bind(folder.path("d/socket")).unwrap();
    assert!(refusal(&folder.path("d")).contains("neither a file nor a folder"));
}
