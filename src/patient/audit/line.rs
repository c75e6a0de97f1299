//! The one way to write an entry down. The hash is made from it, so it must never change: same fields, same order, no spaces.
use super::AuditEntry;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

impl AuditEntry {
    /// The entry as one line of JSON, without the line's end: compact, fields in the order of the structure, details in the order of
    /// their names' bytes. Its hash is that of the same text without `,"sha256":"…"`, so that any program can check it.
    pub fn to_line(&self) -> String {
        let mut text = self.hashed_text();
        text.pop();
        text + &format!(r#","sha256":{}}}"#, quoted(&self.sha256))
    }

    /// Reads a line of [`AuditEntry::to_line`], and nothing that is written in another way: what is not hashed must not be there.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn from_line(line: &str) -> Result<Self, String> {
        let entry: Self =
            serde_json::from_str(line).map_err(|e| format!("it is no entry ({e})"))?;
        if entry.to_line() == line {
            Ok(entry)
        } else {
            Err("it is not written as Schwann writes it".to_owned())
        }
    }

    /// What the hash is made from.
    pub(super) fn hashed_text(&self) -> String {
        let details: Vec<String> = self
            .details
            .iter()
            .map(|(name, value)| format!("{}:{}", quoted(name), quoted(value)))
            .collect();
        format!(
            r#"{{"sequence":{},"time":{},"who":{},"action":{},"subject":{},"details":{{{}}},"previous_sha256":{}}}"#,
            self.sequence,
            quoted(&time::text(&self.time)),
            quoted(&self.who),
            quoted(self.action.name()),
            quoted(&self.subject),
            details.join(","),
            quoted(&self.previous_sha256),
        )
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Times as files hold them.
pub(super) mod time {
    use super::{DateTime, SecondsFormat, Utc};
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn text(time: &DateTime<Utc>) -> String {
        time.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    pub(in super::super) fn serialize<S: Serializer>(
        time: &DateTime<Utc>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(time))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<DateTime<Utc>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text).map_err(de::Error::custom)?;
        Ok(time.to_utc())
    }
}
