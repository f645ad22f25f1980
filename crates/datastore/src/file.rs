use std::path::{Path, PathBuf};

use crate::{Boundary, Fault};

/// The real path of a SQLite file that a connection may open (architecture §13.19).
///
/// Judged after all links are followed, and opened under the path that was judged. The file must
/// be there: a connection never makes one.
pub(crate) fn allowed_file(path: &Path, boundary: &Boundary) -> Result<PathBuf, Fault> {
    let refuse = |problem| Err(Fault::File { problem });
    let Ok(real) = boundary.base.join(path).canonicalize() else {
        return refuse("is not there; check the path in `url`");
    };
    if !real.is_file() {
        return refuse("is not a file; check the path in `url`");
    }
    let below = |folder: &PathBuf| folder.canonicalize().is_ok_and(|folder| real.starts_with(folder));
    if boundary.own_paths.iter().any(below) {
        return Err(Fault::OwnState);
    }
    if !boundary.folders.iter().any(below) {
        return refuse("lies outside the folders that are listed for databases; move it, or list its folder");
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boundary(root: &Path) -> Boundary {
        Boundary {
            folders: vec![root.join("project")],
            base: root.join("project"),
            own_paths: vec![root.join("project/.tutela")],
            ..Boundary::default()
        }
    }

    #[test]
    fn only_files_below_listed_folders_are_opened_whatever_links_say() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("project/.tutela")).unwrap();
        for file in ["project/shop.db", "project/.tutela/state.db", "other.db"] {
            std::fs::write(root.join(file), "").unwrap();
        }
        std::os::unix::fs::symlink(root.join("other.db"), root.join("project/link.db")).unwrap();
        let boundary = boundary(root);

        let opened = allowed_file(Path::new("shop.db"), &boundary).unwrap();

        assert!(opened.ends_with("project/shop.db"));
        for outside in ["../other.db", "link.db", "missing.db", "."] {
            let error = allowed_file(Path::new(outside), &boundary).unwrap_err();
            assert!(matches!(error, Fault::File { .. }), "{outside}: {error}");
        }
    }

    // Planted: the listed folder alone would let the state through, which lies below it.
    #[test]
    fn own_state_below_a_listed_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("project/.tutela")).unwrap();
        std::fs::write(folder.path().join("project/.tutela/state.db"), "").unwrap();
        let honest = boundary(folder.path());
        let planted = Boundary { own_paths: Vec::new(), ..honest.clone() };

        let refused = allowed_file(Path::new(".tutela/state.db"), &honest);

        assert_eq!(refused, Err(Fault::OwnState));
        assert!(allowed_file(Path::new(".tutela/state.db"), &planted).is_ok());
    }
}
