//! The Rust kit of a plugin: what the host hands in, and what a plugin hands back. No crates.
//!
//! A block is a piece of memory that belongs to the host; a guest knows it by a 64-bit handle and
//! moves bytes in and out eight at a time. Handle 0 means "nothing". A block given to a built-in
//! function belongs to the host from then on; one given to another host function stays the guest's.

#![allow(dead_code)]

mod env {
    #[link(wasm_import_module = "extism:host/env")]
    extern "C" {
        pub fn input_length() -> u64;
        pub fn input_load_u8(offset: u64) -> u32;
        pub fn input_load_u64(offset: u64) -> u64;
        pub fn alloc(bytes: u64) -> u64;
        pub fn free(block: u64);
        pub fn length(block: u64) -> u64;
        pub fn load_u8(address: u64) -> u32;
        pub fn load_u64(address: u64) -> u64;
        pub fn store_u8(address: u64, value: u32);
        pub fn store_u64(address: u64, value: u64);
        pub fn output_set(block: u64, bytes: u64);
        pub fn error_set(block: u64);
        pub fn config_get(key: u64) -> u64;
        pub fn var_get(key: u64) -> u64;
        pub fn var_set(key: u64, value: u64);
        pub fn log_trace(text: u64);
        pub fn log_debug(text: u64);
        pub fn log_info(text: u64);
        pub fn log_warn(text: u64);
        pub fn log_error(text: u64);
    }
}

/// Gives the return code of an export: it answers with what the tool returns, or fails with its
/// error. A panic becomes an error too, and then a trap.
pub fn run(tool: impl FnOnce() -> Result<String, String>) -> i32 {
    std::panic::set_hook(Box::new(|cause| set_error(&cause.to_string())));
    match tool() {
        Ok(output) => answer(output.as_bytes()),
        Err(message) => {
            set_error(&message);
            1
        }
    }
}

/// Sets the call's output and gives the return code for it; for a tool whose answer is no text.
pub fn answer(output: &[u8]) -> i32 {
    let block = store(output);
    unsafe { env::output_set(block, output.len() as u64) };
    0
}

/// The call's input, read in place: eight bytes a step, nothing of it copied.
pub struct Input {
    at: u64,
    length: u64,
    word: u64,
}

/// Gives the bytes of the call's input from the first on; ask again to begin again.
pub fn input() -> Input {
    let length = unsafe { env::input_length() };
    Input { at: 0, length, word: 0 }
}

impl Iterator for Input {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.at >= self.length {
            return None;
        }
        if self.at % 8 == 0 {
            self.word = self.load();
        }
        let byte = self.word as u8;
        self.word >>= 8;
        self.at += 1;
        Some(byte)
    }
}

impl Input {
    fn load(&self) -> u64 {
        if self.at + 8 <= self.length {
            return unsafe { env::input_load_u64(self.at) };
        }
        let tail = (self.at..self.length).rev();
        tail.fold(0, |word, at| word << 8 | unsafe { env::input_load_u8(at) } as u64)
    }
}

/// Gives one property of the plugin's configuration, if it is set.
pub fn config(key: &str) -> Option<String> {
    optional(unsafe { env::config_get(store(key.as_bytes())) })
}

/// Gives a variable of this instance, if it is set; it lives as long as the instance does.
pub fn variable(key: &str) -> Option<String> {
    optional(unsafe { env::var_get(store(key.as_bytes())) })
}

/// Sets a variable of this instance; `None` removes it.
pub fn set_variable(key: &str, value: Option<&str>) {
    let block = value.map_or(0, |text| store(text.as_bytes()));
    unsafe { env::var_set(store(key.as_bytes()), block) }
}

/// Writes a line to the plugin's log.
pub fn trace(text: &str) {
    unsafe { env::log_trace(store(text.as_bytes())) }
}

/// Writes a line to the plugin's log.
pub fn debug(text: &str) {
    unsafe { env::log_debug(store(text.as_bytes())) }
}

/// Writes a line to the plugin's log.
pub fn info(text: &str) {
    unsafe { env::log_info(store(text.as_bytes())) }
}

/// Writes a line to the plugin's log.
pub fn warn(text: &str) {
    unsafe { env::log_warn(store(text.as_bytes())) }
}

/// Writes a line to the plugin's log.
pub fn error(text: &str) {
    unsafe { env::log_error(store(text.as_bytes())) }
}

/// Asks a host function: JSON text out, JSON text back (`{"ok": …}` or `{"error": …}`). Each host
/// function is declared by the plugin that needs it:
///
/// ```ignore
/// #[link(wasm_import_module = "extism:host/user")]
/// extern "C" { fn kv_get(request: u64) -> u64; }
///
/// let answer = pdk::call(|block| unsafe { kv_get(block) }, r#"{"key":"k"}"#);
/// ```
pub fn call(function: impl FnOnce(u64) -> u64, request: &str) -> String {
    let block = store(request.as_bytes());
    let response = function(block);
    unsafe { env::free(block) };
    take(response)
}

fn set_error(message: &str) {
    unsafe { env::error_set(store(message.as_bytes())) }
}

fn optional(block: u64) -> Option<String> {
    if block == 0 {
        None
    } else {
        Some(take(block))
    }
}

fn store(bytes: &[u8]) -> u64 {
    let block = unsafe { env::alloc(bytes.len() as u64) };
    if block == 0 && !bytes.is_empty() {
        // The host has no memory for it; without a block nothing could be said about that.
        std::process::abort();
    }
    let mut at = block;
    let words = bytes.chunks_exact(8);
    let tail = words.remainder();
    for word in words {
        let value = u64::from_le_bytes(word.try_into().unwrap());
        unsafe { env::store_u64(at, value) };
        at += 8;
    }
    for byte in tail {
        unsafe { env::store_u8(at, *byte as u32) };
        at += 1;
    }
    block
}

fn take(block: u64) -> String {
    let length = unsafe { env::length(block) };
    let mut bytes = Vec::with_capacity(length as usize);
    while (bytes.len() as u64) + 8 <= length {
        let word = unsafe { env::load_u64(block + bytes.len() as u64) };
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    while (bytes.len() as u64) < length {
        bytes.push(unsafe { env::load_u8(block + bytes.len() as u64) } as u8);
    }
    unsafe { env::free(block) };
    String::from_utf8_lossy(&bytes).into_owned()
}
