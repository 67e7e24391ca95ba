//! What is known about one column, in bounded memory.

use crate::cell::Cell;
use crate::json::{number, quote};
use std::collections::BTreeSet;

/// Up to here distinct values are counted one by one; beyond, the smallest hashes are kept and the
/// rest is estimated from how close together they lie (about 3 % off).
const HASHES_MAX: usize = 1024;
/// Characters of the longest text that are shown.
const SHOWN_CHARACTERS: usize = 100;

#[derive(Default)]
pub struct Column {
    /// Cells that hold something.
    count: u64,
    numbers: u64,
    min: f64,
    max: f64,
    mean: f64,
    /// Sum of the squares of the distances from the mean.
    squares: f64,
    hashes: BTreeSet<u64>,
    forgot_hashes: bool,
    longest_characters: u64,
    longest_text: Option<String>,
}

impl Column {
    pub fn add(&mut self, cell: &Cell) {
        if cell.is_empty() {
            return;
        }
        self.count += 1;
        self.add_hash(cell.hash());
        if let Some(value) = cell.number() {
            self.add_number(value);
        }
        if cell.characters > self.longest_characters {
            self.longest_characters = cell.characters;
            self.longest_text = Some(cell.text().chars().take(SHOWN_CHARACTERS).collect());
        }
    }

    /// Welford's method: one pass, and no difference of two large sums.
    fn add_number(&mut self, value: f64) {
        self.numbers += 1;
        if self.numbers == 1 {
            (self.min, self.max) = (value, value);
        }
        (self.min, self.max) = (self.min.min(value), self.max.max(value));
        let distance = value - self.mean;
        self.mean += distance / self.numbers as f64;
        self.squares += distance * (value - self.mean);
    }

    fn add_hash(&mut self, hash: u64) {
        if self.hashes.len() == HASHES_MAX && !self.hashes.contains(&hash) {
            self.forgot_hashes = true;
            let largest = *self.hashes.iter().next_back().unwrap();
            if hash > largest {
                return;
            }
            self.hashes.remove(&largest);
        }
        self.hashes.insert(hash);
    }

    fn distinct(&self) -> u64 {
        if !self.forgot_hashes {
            return self.hashes.len() as u64;
        }
        let largest = *self.hashes.iter().next_back().unwrap() as f64;
        ((HASHES_MAX - 1) as f64 * (u64::MAX as f64 / largest)).round() as u64
    }

    fn kind(&self) -> &'static str {
        match (self.count, self.numbers) {
            (0, _) => "empty",
            (_, 0) => "text",
            (count, numbers) if count == numbers => "number",
            _ => "mixed",
        }
    }

    /// Gives the column as JSON; `rows` are all rows, with or without a cell of this column.
    pub fn json(&self, name: &str, rows: u64) -> String {
        let of_numbers = |value: f64, least: u64| {
            if self.numbers < least { "null".to_string() } else { number(value) }
        };
        let deviation = (self.squares / (self.numbers as f64 - 1.0)).sqrt();
        format!(
            concat!(
                r#"{{"name":{},"type":"{}","count":{},"empty":{},"distinct":{},"#,
                r#""distinctIsExact":{},"numbers":{},"min":{},"max":{},"mean":{},"stddev":{},"#,
                r#""longestCharacters":{},"longestText":{}}}"#
            ),
            quote(name),
            self.kind(),
            self.count,
            rows - self.count,
            self.distinct(),
            !self.forgot_hashes,
            self.numbers,
            of_numbers(self.min, 1),
            of_numbers(self.max, 1),
            of_numbers(self.mean, 1),
            of_numbers(deviation, 2),
            self.longest_characters,
            self.longest_text.as_deref().map_or("null".to_string(), quote),
        )
    }
}
