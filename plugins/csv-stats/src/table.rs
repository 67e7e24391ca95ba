//! The table that is being read: its names, its columns, its rows.

use crate::cell::Cell;
use crate::column::Column;
use crate::json::quote;
use crate::reader::Sink;

/// Each column may hold some ten kilobytes; wider tables are not what people look at.
const COLUMNS_MAX: usize = 1000;
/// Characters of a name that are kept.
const NAME_CHARACTERS: usize = 200;

pub struct Table {
    names: Vec<String>,
    columns: Vec<Column>,
    cell: Cell,
    /// Cells of this record so far.
    cells: usize,
    /// Cells of the first record; the others should have as many.
    width: Option<usize>,
    in_header: bool,
    rows: u64,
    ragged_rows: u64,
}

impl Table {
    pub fn new(has_header: bool) -> Self {
        Table {
            names: Vec::new(),
            columns: Vec::new(),
            cell: Cell::new(),
            cells: 0,
            width: None,
            in_header: has_header,
            rows: 0,
            ragged_rows: 0,
        }
    }

    pub fn json(&self, delimiter: u8) -> String {
        let name_of = |index: usize| match self.names.get(index) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => format!("column {}", index + 1),
        };
        let columns = self.columns.iter().enumerate();
        let columns: Vec<_> = columns.map(|(at, one)| one.json(&name_of(at), self.rows)).collect();
        format!(
            r#"{{"rows":{},"raggedRows":{},"delimiter":{},"columns":[{}]}}"#,
            self.rows,
            self.ragged_rows,
            quote(&(delimiter as char).to_string()),
            columns.join(",")
        )
    }
}

impl Sink for Table {
    fn byte(&mut self, byte: u8) {
        self.cell.push(byte);
    }

    fn cell_end(&mut self) -> Result<(), String> {
        if self.cells == self.columns.len() {
            if self.cells == COLUMNS_MAX {
                return Err(format!("it has more than {} columns", COLUMNS_MAX));
            }
            self.columns.push(Column::default());
        }
        if self.in_header {
            let name = self.cell.text();
            self.names.push(name.trim().chars().take(NAME_CHARACTERS).collect());
        } else {
            self.columns[self.cells].add(&self.cell);
        }
        self.cells += 1;
        self.cell.clear();
        Ok(())
    }

    fn record_end(&mut self) {
        let width = *self.width.get_or_insert(self.cells);
        if !self.in_header {
            self.rows += 1;
            self.ragged_rows += (self.cells != width) as u64;
        }
        self.in_header = false;
        self.cells = 0;
    }
}
