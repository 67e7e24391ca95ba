//! Files by the functions of Rust's library, in the folders that the plugin was granted.

#[path = "../../../../../plugin-sdk/rust/pdk.rs"]
#[allow(dead_code)]
mod pdk;

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};

fn text() -> String {
    String::from_utf8_lossy(&pdk::input().collect::<Vec<u8>>()).into_owned()
}

fn said(result: std::io::Result<String>) -> Result<String, String> {
    Ok(result.unwrap_or_else(|why| why.to_string()))
}

#[no_mangle]
pub extern "C" fn save() -> i32 {
    pdk::run(|| {
        let input = text();
        let (path, rest) = input.split_once('\n').unwrap_or((&input, ""));
        said(fs::write(path, rest).map(|_| "saved".to_string()))
    })
}

#[no_mangle]
pub extern "C" fn load() -> i32 {
    pdk::run(|| said(fs::read_to_string(text())))
}

#[no_mangle]
pub extern "C" fn leave_open() -> i32 {
    pdk::run(|| {
        let written = File::create("/cache/open").and_then(|mut file| {
            file.write_all(b"left open")?;
            std::mem::forget(file);
            Ok("left".to_string())
        });
        said(written)
    })
}

#[no_mangle]
pub extern "C" fn trap() -> i32 {
    pdk::run(|| {
        let mut file = File::create("/cache/trap").map_err(|why| why.to_string())?;
        file.write_all(b"new").map_err(|why| why.to_string())?;
        core::arch::wasm32::unreachable()
    })
}

fn checked() -> std::io::Result<String> {
    let mut file = OpenOptions::new().read(true).write(true).create(true).open("/cache/big")?;
    let lines: String = (0..20000).map(|line| format!("line {}\n", line)).collect();
    file.write_all(lines.as_bytes())?;
    file.seek(SeekFrom::End(-11))?;
    let mut end = String::new();
    file.read_to_string(&mut end)?;
    assert_eq!(end, "line 19999\n");
    assert_eq!(file.metadata()?.len(), 208890);
    file.set_len(7)?;
    drop(file);
    assert_eq!(fs::read_to_string("/cache/big")?, "line 0\n");
    for line in ["one\n", "two\n"].iter() {
        let mut log = OpenOptions::new().append(true).create(true).open("/cache/log")?;
        log.write_all(line.as_bytes())?;
    }
    assert_eq!(fs::read_to_string("/cache/log")?, "one\ntwo\n");
    let again = OpenOptions::new().write(true).create_new(true).open("/cache/log");
    assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(File::open("/cache/none").unwrap_err().kind(), ErrorKind::NotFound);
    assert!(File::open("/cache/../../etc/passwd").is_err());
    fs::create_dir_all("/cache/d/e")?;
    fs::rename("/cache/log", "/cache/d/e/moved")?;
    assert!(fs::metadata("/cache/d")?.is_dir());
    assert!(fs::remove_dir("/cache/d").is_err());
    let names: Vec<_> = fs::read_dir("/cache/d/e")?.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["moved"]);
    assert_eq!(fs::copy("/cache/d/e/moved", "/cache/copy")?, 8);
    fs::remove_dir_all("/cache/d")?;
    fs::remove_file("/cache/copy")?;
    Ok("ok".to_string())
}

#[no_mangle]
pub extern "C" fn check() -> i32 {
    pdk::run(|| said(checked()))
}
