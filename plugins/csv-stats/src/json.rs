//! The little JSON that an answer needs.

/// Gives a text as a JSON string, quotes included.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\u{0}'..='\u{1f}' => quoted.push_str(&format!("\\u{:04x}", character as u32)),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// Gives a number as JSON: the shortest digits that mean it, or null when it is not finite.
pub fn number(value: f64) -> String {
    const WHOLE_MAX: f64 = 1e15;
    if !value.is_finite() {
        "null".to_string()
    } else if value.fract() == 0.0 && value.abs() < WHOLE_MAX {
        format!("{}", value as i64)
    } else {
        format!("{:?}", value)
    }
}
