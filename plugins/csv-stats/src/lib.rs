//! The plugin csv-stats: statistics of every column of a CSV, in one pass and bounded memory.

mod cell;
mod column;
mod json;
#[path = "../../../plugin-sdk/rust/pdk.rs"]
mod pdk;
mod reader;
mod table;

use reader::{delimiter_of, Reader};
use table::Table;

#[no_mangle]
pub extern "C" fn columns() -> i32 {
    pdk::run(|| describe().map_err(|why| format!("Cannot read the CSV: {}", why)))
}

fn describe() -> Result<String, String> {
    let delimiter = match pdk::config("delimiter").as_deref() {
        None | Some("auto") => delimiter_of(text()),
        Some(one) if one.len() == 1 => one.as_bytes()[0],
        Some(other) => return Err(format!("the delimiter {:?} is no single character", other)),
    };
    let has_header = pdk::config("header").as_deref() != Some("false");
    let mut reader = Reader::new(delimiter, Table::new(has_header));
    for byte in text() {
        reader.push(byte)?;
    }
    Ok(reader.finish()?.json(delimiter))
}

// Spreadsheets write a byte order mark, which is no part of the first name.
fn text() -> impl Iterator<Item = u8> {
    const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
    let has_mark = pdk::input().take(MARK.len()).eq(MARK);
    pdk::input().skip(if has_mark { MARK.len() } else { 0 })
}
