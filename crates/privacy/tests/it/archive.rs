//! What stands in a ZIP archive, and how it is written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;
use std::process::Command;

use privacy::package::{Contents, NamePatterns, PackageOptions, Redaction, write, write_zip, write_zip_file};
use serde_json::{Value, json};
use spec::{ActionType, PackageFormat, Policy, Rule};
use testkit::Answer;
use zip::ZipArchive;

use crate::stage::Stage;

const ALL: [PackageFormat; 3] = [PackageFormat::Json, PackageFormat::Csv, PackageFormat::Html];

async fn stage() -> Stage {
    answering(Stage::new().await)
}

fn answering(stage: Stage) -> Stage {
    stage.saas.on("GET", "/people").then(Answer::text(
        200,
        r#"[{"id": 1, "name": "=Ana", "long": 12345678901234567890123, "contact": {"email": "ana@example.com", "rank": -5}, "tags": ["a", "b"]}, {"id": 2, "more": "a,\"b\"\nc"}]"#,
    ));
    stage.saas.on("GET", "/orders/*").with(|call| Answer::json(200, &json!([{"of": call.path}])));
    stage
}

/// All files of an archive by name.
fn files(archive: &[u8]) -> BTreeMap<String, String> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().unwrap().into_owned(), text)
        })
        .collect()
}

async fn archive_of(stage: &Stage, formats: &[PackageFormat]) -> Vec<u8> {
    let run = stage.run().await;
    let mut out = Vec::new();
    write_zip(&mut out, &run, &PackageOptions::new(Contents::Everything), formats).unwrap();
    out
}

#[tokio::test]
async fn each_format_has_its_files_and_every_package_the_report() {
    let stage = stage().await;
    for (formats, expected) in [
        (&[PackageFormat::Json][..], &["access.json", "report.json"][..]),
        (&[PackageFormat::Csv], &["csv/acme/orders.csv", "csv/acme/people.csv", "report.json"]),
        (
            &[PackageFormat::Html],
            &[
                "clickme.html",
                "data/acme/index.html",
                "data/acme/orders/index.html",
                "data/acme/people/index.html",
                "report.json",
            ],
        ),
    ] {
        let files = files(&archive_of(&stage, formats).await);

        assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn access_json_is_the_one_of_the_folder() {
    let stage = stage().await;
    let run = stage.run().await;
    let options = PackageOptions::new(Contents::Everything);
    let folder = write(stage.out.path(), &run, &options).unwrap();

    let mut out = Vec::new();
    let report = write_zip(&mut out, &run, &options, &ALL).unwrap();

    let files = files(&out);
    assert_eq!(files["access.json"], fs::read_to_string(&folder.access).unwrap());
    assert_eq!(files["report.json"], fs::read_to_string(&folder.report).unwrap());
    assert_eq!(report.collections.len(), 3);
}

// rule: privacy-requests PK-7
#[tokio::test]
async fn a_table_has_all_fields_and_runs_no_formula() {
    let files = files(&archive_of(&stage().await, &[PackageFormat::Csv]).await);

    assert_eq!(
        files["csv/acme/people.csv"],
        "id,name,long,contact.email,contact.rank,tags,more\r\n\
         1,'=Ana,12345678901234567890123,ana@example.com,-5,\"[\"\"a\"\",\"\"b\"\"]\",\r\n\
         2,,,,,,\"a,\"\"b\"\"\nc\"\r\n"
    );
}

// rule: privacy-requests PK-8
#[tokio::test]
async fn pages_lead_to_each_other_escape_values_and_load_nothing() {
    let stage = stage().await;
    stage
        .saas
        .on("GET", "/people")
        .then(Answer::json(200, &json!([{"id": 1, "<b>": "<script>alert(1)</script>"}])));

    let files = files(&archive_of(&stage, &[PackageFormat::Html]).await);

    let plain = |name: &str| files[name].replace("&#x2f;", "/");
    assert!(plain("clickme.html").contains(r#"<a href="data/acme/people/index.html">"#));
    assert!(!plain("clickme.html").contains("access.json"), "it is not in this archive");
    assert!(plain("data/acme/index.html").contains(r#"<a href="people/index.html">people</a>, 1 records"#));
    let people = plain("data/acme/people/index.html");
    assert!(people.contains("../../../clickme.html") && people.contains("../index.html"));
    assert!(people.contains("&lt;script&gt;") && people.contains("&lt;b&gt;"), "{people}");
    for (name, html) in files.iter().filter(|(name, _)| name.ends_with("html")) {
        for loads in ["<script", "http://", "https://", "src=", "url(", "@import", "<link"] {
            assert!(!html.contains(loads), "{name}: {loads}");
        }
    }
}

#[tokio::test]
async fn a_large_collection_has_many_pages_and_every_record_is_on_one() {
    let stage = Stage::large(5, 90).await;

    let files = files(&archive_of(&stage, &[PackageFormat::Html]).await);

    let pages =
        ["index.html", "page-2.html", "page-3.html"].map(|name| &files[&format!("data/acme/events/{name}")]);
    assert_eq!(files.keys().filter(|name| name.contains("events")).count(), 3);
    assert!(pages[0].contains("Records 1 to 200.") && pages[2].contains("Records 401 to 450."));
    assert!(pages[0].contains(r#"<a href="page-2.html" rel="next">"#) && !pages[0].contains("rel=\"prev\""));
    assert!(pages[1].contains(r#"<a href="index.html" rel="prev">"#));
    assert!(pages[2].contains("rel=\"prev\"") && !pages[2].contains("rel=\"next\""));
    let records: usize = pages.iter().map(|page| page.matches("<article>").count()).sum();
    assert_eq!(records, 450);
}

#[tokio::test]
async fn a_rule_delivers_what_it_targets_and_not_what_its_neighbour_does() {
    let stage = stage().await;
    let run = stage.run().await;
    let rule = |key: &str, target: &str| Rule {
        key: key.into(),
        action: ActionType::Access,
        targets: vec![target.into()],
        masking_strategy: None,
        storage_destination: None,
    };
    let policy = Policy {
        key: "deliver".into(),
        rules: vec![rule("names", "user.name"), rule("contacts", "user.contact")],
    };

    let mut out = Vec::new();
    let contents = Contents::OfRule { policy: &policy, rule: &policy.rules[1], graph: &stage.graph };
    write_zip(&mut out, &run, &PackageOptions::new(contents), &ALL).unwrap();

    let files = files(&out);
    let access: Value = serde_json::from_str(&files["access.json"]).unwrap();
    assert_eq!(access, json!({"acme:people": [{"contact": {"email": "ana@example.com"}}]}));
    assert_eq!(files["csv/acme/people.csv"], "contact.email\r\nana@example.com\r\n");
    assert!(files.values().all(|text| !text.contains("=Ana")));
    let front = &files["clickme.html"];
    assert!(
        front.contains("<strong>contacts</strong>") && !front.contains("<strong>names</strong>"),
        "{front}"
    );
}

#[tokio::test]
async fn equal_data_give_equal_tables_and_pages() {
    let stage = stage().await;
    let formats = [PackageFormat::Csv, PackageFormat::Html];

    let (mut first, mut second) = (archive_of(&stage, &formats).await, archive_of(&stage, &formats).await);

    let without_report = |archive: &mut Vec<u8>| {
        let mut files = files(archive);
        files.remove("report.json");
        files
    };
    assert_eq!(without_report(&mut first), without_report(&mut second));
}

/// Stops taking bytes after some, and counts what is offered afterwards.
struct Full {
    room: usize,
    refused: usize,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            self.refused += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(self.room);
        self.room -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_archive_that_fails_is_not_ended_as_if_it_were_whole() {
    let stage = Stage::large(2, 50).await;
    let run = stage.run().await;
    for room in [0, 10, 20_000] {
        let mut full = Full { room, refused: 0 };

        let error = write_zip(&mut full, &run, &PackageOptions::new(Contents::Everything), &ALL).unwrap_err();

        assert!(error.to_string().contains("passed on"), "{error}");
        assert_eq!(full.refused, 1, "nothing was offered after the refusal");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_archive_in_a_folder_is_for_its_owner_only_and_whole_or_not_there() {
    use std::os::unix::fs::PermissionsExt;
    let stage = stage().await;
    let run = stage.run().await;
    let file = stage.out.path().join("new").join("package.zip");
    let options = PackageOptions::new(Contents::Everything);

    write_zip_file(&file, &run, &options, &ALL).unwrap();

    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "no draft stays");
    let blocked = stage.out.path().join("blocked.zip");
    fs::create_dir(&blocked).unwrap();
    let error = write_zip_file(&blocked, &run, &options, &ALL).unwrap_err();
    assert!(error.to_string().contains("blocked.zip"), "{error}");
    assert_eq!(fs::read_dir(stage.out.path()).unwrap().count(), 2);
}

// rule: privacy-requests PK-9
#[tokio::test]
async fn hidden_names_are_numbered_on_pages_and_whole_for_programs() {
    let stage = answering(Stage::redacted().await);
    let run = stage.run().await;
    let patterns = NamePatterns::parse(&["^tag".to_owned(), "long".to_owned()]).unwrap();
    let redaction = Redaction::of(&stage.graph, patterns);
    let options = PackageOptions { redaction: Some(&redaction), ..PackageOptions::new(Contents::Everything) };
    let archive = |formats: &[PackageFormat]| {
        let mut out = Vec::new();
        write_zip(&mut out, &run, &options, formats).unwrap();
        files(&out)
    };

    let pages = archive(&[PackageFormat::Html]);
    let programs = archive(&[PackageFormat::Json, PackageFormat::Html]);
    let folder = write(stage.out.path(), &run, &options).unwrap();

    let names: Vec<&str> = pages.keys().map(String::as_str).collect();
    let expected = [
        "clickme.html",
        "data/acme/collection_3/index.html",
        "data/acme/index.html",
        "data/acme/orders/index.html",
        "report.json",
    ];
    assert_eq!(names, expected);
    let page = &pages["data/acme/collection_3/index.html"];
    assert!(page.contains("ana@example.com") && page.contains("field_"), "values stay: {page}");
    for (name, text) in &pages {
        let shown = text.replace("ana@example.com", "");
        for hidden in ["people", "email", ">tags<", ">long<"] {
            assert!(!shown.contains(hidden), "{name} shows {hidden}");
        }
    }
    assert!(programs["access.json"].contains("acme:people") && programs["access.json"].contains("\"tags\""));
    assert!(programs["report.json"].contains("acme:people"));
    assert!(!programs["clickme.html"].contains("people"));
    assert!(!fs::read_to_string(folder.index).unwrap().contains("acme:people"));
}

/// Runs a program that reads archives; `None` if it is not on this machine.
fn reader(program: &str, arguments: &[&str], archive: &Path) -> Option<String> {
    let output = Command::new(program).args(arguments).arg(archive).output().ok()?;
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn other_programs_read_the_archive() {
    let stage = stage().await;
    let run = stage.run().await;
    let file = stage.out.path().join("package.zip");
    let options = PackageOptions {
        made_at: Some("2026-03-01T09:30:00Z".parse().unwrap()),
        ..PackageOptions::new(Contents::Everything)
    };
    write_zip_file(&file, &run, &options, &ALL).unwrap();
    let script = "import csv, io, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    assert archive.getinfo('access.json').date_time == (2026, 3, 1, 9, 30, 0)
    rows = list(csv.reader(io.StringIO(archive.read('csv/acme/people.csv').decode(), newline='')))
    assert len(rows) == 3 and len({len(row) for row in rows}) == 1, rows
    assert rows[2][-1] == 'a,\"b\"\\nc', rows
    print(json.dumps(sorted(json.loads(archive.read('access.json')))))";

    match reader("python3", &["-c", script], &file) {
        Some(said) => assert_eq!(said.trim(), r#"["acme:orders", "acme:people"]"#),
        None => println!("skipped: no python3 on this machine"),
    }
    match reader("unzip", &["-t", "-q"], &file) {
        Some(said) => assert!(said.contains("No errors"), "{said}"),
        None => println!("skipped: no unzip on this machine"),
    }
}

/// The most memory this process has held since the mark was reset, in KiB.
#[cfg(target_os = "linux")]
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_does_not_grow_with_the_number_of_rows() {
    // 40 pages of 500 rows, some 20 MB: written three times, and nowhere whole.
    let stage = Stage::large(40, 500).await;
    let run = stage.run().await;
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak_kib();
    let mut written = Counting::default();

    write_zip(&mut written, &run, &PackageOptions::new(Contents::Everything), &ALL).unwrap();

    let grown = peak_kib() - before;
    assert!(written.bytes > 20_000_000, "{} bytes: the rows are in it", written.bytes);
    assert!(written.pieces > 100, "it was passed on in pieces");
    assert!(grown < 12 * 1024, "{grown} KiB more for {} bytes", written.bytes);
}

#[derive(Default)]
struct Counting {
    bytes: usize,
    pieces: usize,
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        self.pieces += 1;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// rule: privacy-requests W-15
#[test]
fn what_people_brought_goes_in_as_it_is() {
    let outcome = engine::RunOutcome { collections: BTreeMap::new() };
    let row = json!({"letters": "12.50", "system_name": "Archive"});
    let brought = [("archive".to_owned(), serde_json::from_value(row.clone()).unwrap())];
    let options = PackageOptions { brought: &brought, ..PackageOptions::new(Contents::Everything) };
    let file = |format, name: &str| -> Value {
        let mut bytes = Vec::new();
        write_zip(&mut bytes, &outcome, &options, &[format]).unwrap();
        serde_json::from_str(&files(&bytes)[name]).unwrap()
    };

    let in_json = file(PackageFormat::Json, "access.json");
    let beside_tables = file(PackageFormat::Csv, "brought.json");

    assert_eq!(in_json, json!({"archive": [row]}));
    assert_eq!(beside_tables, in_json);
}
