//! The cell that is being read: its beginning, and what is known about the rest.

/// A longer cell is no number, and no more of it is shown.
const KEPT_BYTES: usize = 1024;

pub struct Cell {
    kept: Vec<u8>,
    bytes: u64,
    /// Characters, that is bytes that do not continue one (UTF-8).
    pub characters: u64,
    is_blank: bool,
    hash: u64,
}

impl Cell {
    pub fn new() -> Self {
        let kept = Vec::with_capacity(KEPT_BYTES);
        Cell { kept, bytes: 0, characters: 0, is_blank: true, hash: FNV_BASIS }
    }

    pub fn push(&mut self, byte: u8) {
        if self.kept.len() < KEPT_BYTES {
            self.kept.push(byte);
        }
        self.bytes += 1;
        self.characters += (byte & 0xc0 != 0x80) as u64;
        self.is_blank &= byte == b' ' || byte == b'\t';
        self.hash = (self.hash ^ byte as u64).wrapping_mul(FNV_PRIME);
    }

    pub fn clear(&mut self) {
        self.kept.clear();
        (self.bytes, self.characters, self.is_blank, self.hash) = (0, 0, true, FNV_BASIS);
    }

    /// Says whether there is nothing in it but spaces.
    pub fn is_empty(&self) -> bool {
        self.is_blank
    }

    /// Gives the beginning of its text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }

    /// Gives its value when all of it is a decimal number that a double can hold.
    pub fn number(&self) -> Option<f64> {
        if self.bytes > KEPT_BYTES as u64 {
            return None;
        }
        let text = std::str::from_utf8(&self.kept).ok()?.trim_matches(&[' ', '\t'][..]);
        // Rust also reads words such as "inf" and "nan".
        let is_plain = text.bytes().all(|byte| b"0123456789+-.eE".contains(&byte));
        let value = if is_plain { text.parse::<f64>().ok() } else { None };
        value.filter(|value| value.is_finite())
    }

    /// Gives a number that differs for different texts, evenly spread: FNV-1a, then the finish of
    /// SplitMix64, as FNV alone leaves its upper bits uneven.
    pub fn hash(&self) -> u64 {
        let mut hash = self.hash;
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
