//! A reader's record as a file: hostile content, and what the command says of it.
use proptest::prelude::*;
use schwann::{
    measure::KoosGrade,
    school::{Answer, AnswerKind, Difficulty, Progress, ReaderRecord, Schedule},
};
use serde_json::Value;
use std::process::Command;

fn answer(n: usize, truth: KoosGrade, grade: KoosGrade, confidence_percent: u8) -> Answer {
    Answer {
        time: "2026-01-02T03:04:05Z".parse().unwrap(),
        case: format!("synthetic-{n}"),
        kind: AnswerKind::Synthetic,
        difficulty: Some(Difficulty::Medium),
        truth: Some(truth),
        grade,
        confidence_percent,
        seconds: 10.0 + n as f64,
        model: None,
    }
}

#[test]
fn the_command_prints_a_readers_statistics() {
    use KoosGrade::{I, II, III, IV};
    let folder = tempfile::tempdir().unwrap();
    let path = ReaderRecord::path_of(folder.path(), "Ada");
    let pairs = [
        (I, I, 98),
        (II, II, 85),
        (III, II, 85),
        (III, III, 70),
        (IV, IV, 98),
    ];
    for (n, (truth, grade, sure)) in pairs.into_iter().enumerate() {
        ReaderRecord::append(&path, "Ada", &answer(n, truth, grade, sure)).unwrap();
    }
    let run = |arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_schwann");
        Command::new(program).args(arguments).output().unwrap()
    };
    let name = path.to_str().unwrap();
    let output = run(&["school", "--report", name, "--json"]);
    assert!(output.status.success());
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (json["reader"].as_str(), json["answers"].as_u64()),
        (Some("Ada"), Some(5))
    );
    assert_eq!(json["accuracy"].as_f64(), Some(0.8));
    assert_eq!(json["confusion"][2], serde_json::json!([0, 1, 1, 0]));
    let kappa = json["weighted_kappa"]["value"].as_f64().unwrap();
    assert!((0.8..1.0).contains(&kappa), "{kappa}");
    assert_eq!(json["boxes"], serde_json::json!([1, 0, 0, 0]));
    let words = String::from_utf8(run(&["school", "--report", name]).stdout).unwrap();
    assert!(words.starts_with("Ada: 5 cases answered\n"), "{words}");
    let none = folder.path().join("none.jsonl");
    let output = run(&["school", "--report", none.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_file_makes_a_record_panic_or_lose_a_byte(bytes in prop::collection::vec(any::<u8>(), 0..600), csv in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = ReaderRecord::path_of(folder.path(), "A");
        std::fs::write(&path, &bytes).unwrap();
        let record = ReaderRecord::open(folder.path(), "A").unwrap();
        let progress = Progress::of(&record.answers, chrono::DateTime::UNIX_EPOCH);
        prop_assert_eq!(progress.answers, 0);
        let table = folder.path().join(if csv { "a.csv" } else { "a.jsonl" });
        std::fs::write(&table, &bytes).unwrap();
        prop_assert!(ReaderRecord::read(&table).is_err());
        // An answer that is added stands behind what was there, or the torn end beside it.
        let aside = ReaderRecord::append(&path, "A", &answer(0, KoosGrade::I, KoosGrade::I, 50)).unwrap();
        let mut kept = aside.map_or_else(Vec::new, |p| std::fs::read(p).unwrap());
        kept.extend(std::fs::read(&path).unwrap());
        for line in bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            prop_assert!(kept.windows(line.len()).any(|w| w == line));
        }
        let back = ReaderRecord::open(folder.path(), "A").unwrap();
        prop_assert_eq!(back.answers.len(), 1);
    }

    #[test]
    fn a_schedule_never_has_more_due_than_was_answered_wrongly(said in prop::collection::vec((0_usize..6, 0_usize..4, 0_u8..=100), 0..60)) {
        let answers: Vec<Answer> = said
            .iter()
            .map(|(n, g, sure)| answer(*n, KoosGrade::ALL[n % 4], KoosGrade::ALL[*g], *sure))
            .collect();
        let schedule = Schedule::of(&answers);
        let wrong: std::collections::BTreeSet<&str> =
            answers.iter().filter(|a| a.is_right() == Some(false)).map(|a| a.case.as_str()).collect();
        let now = answers.first().map_or(chrono::DateTime::UNIX_EPOCH, |a| a.time);
        let due = schedule.due(now + chrono::Duration::days(400));
        prop_assert!(due.iter().all(|c| wrong.contains(c)));
        prop_assert_eq!(schedule.boxes().iter().sum::<usize>() + schedule.learnt(), wrong.len());
        prop_assert_eq!(due.len(), schedule.boxes().iter().sum::<usize>());
    }
}
