//! JSON of a model folder, read field by field so that an error names file and field.
use super::super::Error;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Largest JSON file that is read; plans of nnU-Net take some ten kilobytes.
const MOST_BYTES: u64 = 64 << 20;

/// A value and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    file: &'a Path,
    /// Names and indices from the top, joined by dots.
    path: String,
    value: &'a Value,
}

/// A JSON file.
#[derive(Debug)]
pub(super) struct Document {
    path: PathBuf,
    value: Value,
}

impl Document {
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read {
            what: "description",
            source,
            path: path.to_owned(),
        };
        let size = std::fs::metadata(path).map_err(failed)?.len();
        let wrong = |problem: String| Error::Folder {
            file: path.to_owned(),
            problem,
        };
        if size > MOST_BYTES {
            return Err(wrong("is too large to be a description".to_owned()));
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        let value =
            serde_json::from_slice(&bytes).map_err(|e| wrong(format!("is no JSON: {e}")))?;
        Ok(Self {
            path: path.to_owned(),
            value,
        })
    }

    pub(super) fn root(&self) -> Field<'_> {
        Field {
            file: &self.path,
            path: String::new(),
            value: &self.value,
        }
    }
}

impl<'a> Field<'a> {
    /// The error that this field causes.
    pub(super) fn wrong(&self, problem: &str) -> Error {
        let name = if self.path.is_empty() {
            "the top level"
        } else {
            &self.path
        };
        Error::Folder {
            file: self.file.to_owned(),
            problem: format!("{name} {problem}"),
        }
    }

    fn below(&self, name: &str, value: &'a Value) -> Self {
        let path = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        };
        Self {
            file: self.file,
            path,
            value,
        }
    }

    pub(super) fn object(&self) -> Result<&'a Map<String, Value>, Error> {
        self.value
            .as_object()
            .ok_or_else(|| self.wrong("is no object"))
    }

    /// A field that must be there.
    pub(super) fn get(&self, name: &str) -> Result<Self, Error> {
        let value = self.object()?.get(name);
        let value = value.ok_or_else(|| self.below(name, &Value::Null).wrong("is missing"))?;
        Ok(self.below(name, value))
    }

    /// A field that may be absent or null.
    pub(super) fn find(&self, name: &str) -> Option<Self> {
        let value = self.value.as_object()?.get(name)?;
        (!value.is_null()).then(|| self.below(name, value))
    }

    pub(super) fn fields(&self) -> Result<Vec<(&'a str, Self)>, Error> {
        let object = self.object()?;
        Ok(object
            .iter()
            .map(|(name, value)| (name.as_str(), self.below(name, value)))
            .collect())
    }

    pub(super) fn items(&self) -> Result<Vec<Self>, Error> {
        let items = self.value.as_array();
        let items = items.ok_or_else(|| self.wrong("is no list"))?;
        Ok(items
            .iter()
            .enumerate()
            .map(|(n, value)| self.below(&n.to_string(), value))
            .collect())
    }

    pub(super) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    pub(super) fn text(&self) -> Result<&'a str, Error> {
        self.value.as_str().ok_or_else(|| self.wrong("is no text"))
    }

    pub(super) fn truth(&self) -> Result<bool, Error> {
        let value = self.value.as_bool();
        value.ok_or_else(|| self.wrong("is neither true nor false"))
    }

    pub(super) fn number(&self) -> Result<f64, Error> {
        let number = self.value.as_f64().filter(|n| n.is_finite());
        number.ok_or_else(|| self.wrong("is no number"))
    }

    /// A whole number from `low` to `high`. Python also writes them as `2.0`.
    pub(super) fn whole(&self, low: usize, high: usize) -> Result<usize, Error> {
        let number = self
            .value
            .as_f64()
            .filter(|n| n.fract() == 0.0 && *n >= 0.0);
        let number = number
            .map(|n| n as usize)
            .filter(|n| (low..=high).contains(n));
        number.ok_or_else(|| self.wrong(&format!("is no whole number from {low} to {high}")))
    }

    pub(super) fn wholes(&self, low: usize, high: usize) -> Result<Vec<usize>, Error> {
        self.items()?.iter().map(|n| n.whole(low, high)).collect()
    }

    /// A number for each of `count` stages: a list of so many, or one that all share.
    pub(super) fn per_stage(
        &self,
        count: usize,
        low: usize,
        high: usize,
    ) -> Result<Vec<usize>, Error> {
        if !self.is_list() {
            return Ok(vec![self.whole(low, high)?; count]);
        }
        let all = self.wholes(low, high)?;
        if all.len() == count {
            Ok(all)
        } else {
            Err(self.wrong(&format!("has {} entries, not {count}", all.len())))
        }
    }

    /// A refusal of the text, which is not among those that are known.
    pub(super) fn unknown<T>(&self, what: &str) -> Result<T, Error> {
        let name = self
            .value
            .as_str()
            .map_or_else(|| self.value.to_string(), str::to_owned);
        Err(self.wrong(&format!("is {name}: this {what} is not supported")))
    }
}
