//! `dataset.json` of nnU-Net v2: channels and labels.
use super::super::Error;
use super::json::Document;
use std::path::Path;

/// What a network was trained on and for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dataset {
    /// Names of the channels, in the order in which the network takes them.
    pub(super) channels: Vec<String>,
    /// Names and values of the labels, background left out; regions with all their values.
    pub(super) labels: Vec<(String, Vec<u8>)>,
    pub(super) heads: Heads,
    /// Values of the foreground in rising order.
    pub(super) foreground: Vec<u8>,
}

/// What the network's outputs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heads {
    /// One score a label: the highest wins, and its place is the label's value.
    Labels(usize),
    /// One score a region, independent of each other: where it is over one half the value is written, in this order.
    Regions(Vec<u8>),
}

impl Heads {
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Labels(count) => *count,
            Self::Regions(values) => values.len(),
        }
    }
}

impl Dataset {
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let document = Document::read(path)?;
        let root = document.root();
        let channels = match root.find("channel_names") {
            Some(channels) => channels,
            None => match root.find("modality") {
                Some(channels) => channels,
                None => root.get("channel_names")?,
            },
        };
        let mut named: Vec<(usize, String)> = Vec::new();
        for (key, name) in channels.fields()? {
            let number = key
                .parse()
                .ok()
                .ok_or_else(|| name.wrong("is not numbered"))?;
            named.push((number, name.text()?.to_owned()));
        }
        named.sort_unstable();
        if named.is_empty()
            || named
                .iter()
                .enumerate()
                .any(|(n, (number, _))| n != *number)
        {
            return Err(channels.wrong("are not numbered 0, 1, 2, …"));
        }
        let field = root.get("labels")?;
        let mut labels = Vec::new();
        let mut ignored = None;
        let mut with_regions = false;
        let mut background = false;
        for (name, value) in field.fields()? {
            let values: Vec<u8> = if value.is_list() {
                let values = value.wholes(0, 254)?;
                values.into_iter().map(|v| v as u8).collect()
            } else {
                vec![value.whole(0, 254)? as u8]
            };
            if name == "ignore" {
                ignored = values.first().copied();
                continue;
            }
            if name == "background" {
                background = values == [0];
                continue;
            }
            with_regions |= values.len() > 1;
            if values.is_empty() {
                return Err(value.wrong("has no value"));
            }
            labels.push((name.to_owned(), values));
        }
        if !background {
            return Err(field.wrong("have no background of value 0"));
        }
        let mut foreground: Vec<u8> = labels
            .iter()
            .flat_map(|(_, v)| v.clone())
            .filter(|v| *v != 0)
            .collect();
        foreground.sort_unstable();
        foreground.dedup();
        let highest = foreground.last().copied().unwrap_or(0);
        if ignored.is_some_and(|i| i != highest.saturating_add(1)) {
            return Err(field.wrong("have an ignore label that is not the highest"));
        }
        let heads = if with_regions {
            let order = root.get("regions_class_order")?;
            let values = order.wholes(0, 254)?;
            let regions = labels
                .iter()
                .filter(|(_, v)| v.iter().any(|v| *v != 0))
                .count();
            if values.len() != regions {
                return Err(order.wrong("has not one value for each region"));
            }
            Heads::Regions(values.into_iter().map(|v| v as u8).collect())
        } else {
            if usize::from(highest) != foreground.len() {
                return Err(field.wrong("are not numbered without gaps"));
            }
            Heads::Labels(foreground.len() + 1)
        };
        if foreground.is_empty() {
            return Err(field.wrong("have nothing but background"));
        }
        Ok(Self {
            channels: named.into_iter().map(|(_, name)| name).collect(),
            labels,
            heads,
            foreground,
        })
    }
}
