//! RFC 4180, one byte at a time, so that no more than a cell is ever in memory.
//!
//! Beyond the standard it takes CR and LF alone as the end of a record, skips empty lines (the LF
//! after a CR looks like one), and takes a quote within a cell, or text after a closing quote, as it stands.

/// What a reader tells about what it reads.
pub trait Sink {
    fn byte(&mut self, byte: u8);
    fn cell_end(&mut self) -> Result<(), String>;
    fn record_end(&mut self);
}

enum State {
    CellStart,
    Plain,
    Quoted,
    QuoteInQuoted,
}

/// Reads records and tells a sink.
pub struct Reader<S: Sink> {
    pub sink: S,
    delimiter: u8,
    state: State,
    /// Cells of this record that have ended.
    cells: usize,
    line: u64,
    quote_line: u64,
    after_cr: bool,
}

impl<S: Sink> Reader<S> {
    pub fn new(delimiter: u8, sink: S) -> Self {
        let state = State::CellStart;
        Reader { sink, delimiter, state, cells: 0, line: 1, quote_line: 0, after_cr: false }
    }

    pub fn push(&mut self, byte: u8) -> Result<(), String> {
        let ends_crlf = byte == b'\n' && self.after_cr;
        self.after_cr = byte == b'\r';
        if byte == b'\r' || (byte == b'\n' && !ends_crlf) {
            self.line += 1;
        }
        match self.state {
            State::Quoted if byte == b'"' => self.state = State::QuoteInQuoted,
            State::Quoted => self.sink.byte(byte),
            State::QuoteInQuoted if byte == b'"' => {
                self.sink.byte(byte);
                self.state = State::Quoted;
            }
            State::CellStart if byte == b'"' => {
                self.quote_line = self.line;
                self.state = State::Quoted;
            }
            _ => return self.plain(byte),
        }
        Ok(())
    }

    /// Ends the last record, which needs no newline.
    pub fn finish(mut self) -> Result<S, String> {
        if let State::Quoted = self.state {
            let line = self.quote_line;
            return Err(format!("the quote opened in line {line} is never closed"));
        }
        self.end_record()?;
        Ok(self.sink)
    }

    fn plain(&mut self, byte: u8) -> Result<(), String> {
        if byte == self.delimiter {
            self.state = State::CellStart;
            self.cells += 1;
            return self.sink.cell_end();
        }
        if byte == b'\n' || byte == b'\r' {
            return self.end_record();
        }
        self.state = State::Plain;
        self.sink.byte(byte);
        Ok(())
    }

    fn end_record(&mut self) -> Result<(), String> {
        let is_empty_line = self.cells == 0 && matches!(self.state, State::CellStart);
        self.state = State::CellStart;
        self.cells = 0;
        if !is_empty_line {
            self.sink.cell_end()?;
            self.sink.record_end();
        }
        Ok(())
    }
}

/// Gives the delimiter of a text: the one of comma, semicolon, tab and bar that its first record
/// has most of outside quotes.
pub fn delimiter_of(bytes: impl Iterator<Item = u8>) -> u8 {
    // A first record longer than this is none that a table has.
    const BYTES_MAX: usize = 65_536;
    const DELIMITERS: [u8; 4] = *b",;\t|";
    let mut counts = [0; DELIMITERS.len()];
    let (mut quoted, mut empty) = (false, true);
    for byte in bytes.take(BYTES_MAX) {
        let is_newline = byte == b'\n' || byte == b'\r';
        if is_newline && !quoted && !empty {
            break;
        }
        empty = empty && is_newline;
        quoted = quoted != (byte == b'"');
        if let (false, Some(index)) = (quoted, DELIMITERS.iter().position(|one| *one == byte)) {
            counts[index] += 1;
        }
    }
    let best = (0..DELIMITERS.len()).rev().max_by_key(|index| counts[*index]);
    DELIMITERS[best.unwrap_or(0)]
}
