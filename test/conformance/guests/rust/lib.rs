//! The conformance guest in Rust, with and without WASI.

#[path = "../../../../plugins/csv-stats/src/json.rs"]
#[allow(dead_code)]
mod json;
#[path = "../../../../plugin-sdk/rust/pdk.rs"]
mod pdk;

use json::quote;

#[link(wasm_import_module = "extism:host/user")]
extern "C" {
    fn kv_set(request: u64) -> u64;
    fn kv_get(request: u64) -> u64;
}

fn text() -> Result<String, String> {
    String::from_utf8(pdk::input().collect()).map_err(|why| why.to_string())
}

#[no_mangle]
pub extern "C" fn count_vowels() -> i32 {
    pdk::run(|| {
        let count = text()?.chars().filter(|one| "aeiouAEIOU".contains(*one)).count();
        Ok(format!("{{\"count\":{}}}", count))
    })
}

#[no_mangle]
pub extern "C" fn greet() -> i32 {
    pdk::run(|| {
        let name = quote(&text()?);
        let request = format!("{{\"key\":{},\"value\":{}}}", name, name);
        let answer = pdk::call(|block| unsafe { kv_set(block) }, &request);
        if !answer.starts_with("{\"ok\":") {
            return Err(answer);
        }
        let request = format!("{{\"key\":{}}}", name);
        let answer = pdk::call(|block| unsafe { kv_get(block) }, &request);
        // The kit reads no JSON; a string of the answer is one of ours as it stands.
        let value = answer
            .strip_prefix("{\"ok\":{\"value\":\"")
            .and_then(|rest| rest.strip_suffix("\"}}"))
            .ok_or_else(|| answer.clone())?;
        Ok(format!("{{\"greeting\":\"Hello {}\"}}", value))
    })
}

#[no_mangle]
pub extern "C" fn echo() -> i32 {
    pdk::answer(&pdk::input().collect::<Vec<u8>>())
}

#[no_mangle]
pub extern "C" fn fail() -> i32 {
    pdk::run(|| Err(format!("no: {}", text()?)))
}

#[no_mangle]
pub extern "C" fn rc() -> i32 {
    7
}

#[no_mangle]
pub extern "C" fn config_get() -> i32 {
    let setting = |key| pdk::config(key).map_or("null".to_string(), |value| quote(&value));
    pdk::run(|| {
        let (greeting, other) = (setting("greeting"), setting("toString"));
        Ok(format!("{{\"greeting\":{},\"toString\":{}}}", greeting, other))
    })
}

#[no_mangle]
pub extern "C" fn vars() -> i32 {
    pdk::run(|| {
        if text()? == "forget" {
            pdk::set_variable("count", None);
            return Ok(pdk::variable("count").map_or("null", |_| "kept").to_string());
        }
        let before = pdk::variable("count").map_or(Ok(0), |value| value.parse::<u32>());
        let count = (before.map_err(|why| why.to_string())? + 1).to_string();
        pdk::set_variable("count", Some(&count));
        Ok(count)
    })
}

#[no_mangle]
pub extern "C" fn log() -> i32 {
    pdk::trace("trace ä 🦉");
    pdk::debug("debug ä 🦉");
    pdk::info("info ä 🦉");
    pdk::warn("warn ä 🦉");
    pdk::error("error ä 🦉");
    pdk::answer(b"logged")
}

#[no_mangle]
pub extern "C" fn trap() -> i32 {
    core::arch::wasm32::unreachable()
}

#[no_mangle]
pub extern "C" fn panic() -> i32 {
    pdk::run(|| panic!("that was too much"))
}

#[no_mangle]
pub extern "C" fn big() -> i32 {
    pdk::answer(&pdk::input().map(|byte| byte.wrapping_add(1)).collect::<Vec<u8>>())
}

#[cfg(target_os = "wasi")]
#[no_mangle]
pub extern "C" fn random_and_clock() -> i32 {
    use std::time::{Instant, SystemTime, UNIX_EPOCH};

    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    extern "C" {
        fn random_get(to: *mut u8, bytes: usize) -> i32;
    }
    pdk::run(|| {
        let mut random = [0u8; 16];
        if unsafe { random_get(random.as_mut_ptr(), random.len()) } != 0 {
            return Err("no random bytes".to_string());
        }
        let start = Instant::now();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|why| why.to_string())?;
        let random = random.iter().map(|byte| format!("{:02x}", byte)).collect::<String>();
        Ok(format!(
            "{{\"random\":\"{}\",\"wallMs\":{},\"passedNs\":{}}}",
            random,
            wall.as_millis(),
            start.elapsed().as_nanos()
        ))
    })
}
