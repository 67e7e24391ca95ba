// The little JSON that a plugin without a library needs: quote a text, find a member, read a text.
//
// A slice is a part of somebody else's text: a value of a JSON document, spaces around it left out.
// What is malformed is not found; nothing is read beyond the end of a slice.

#ifndef CONVERGIO_JSON_H
#define CONVERGIO_JSON_H

#include "convergio.h"

typedef struct {
  const char *at;  // NULL when there is nothing
  size_t bytes;
} convergio_slice;

static inline convergio_slice convergio_slice_of(const char *text) {
  convergio_slice whole = {text, convergio_text_length(text)};
  return whole;
}

static inline void convergio_put(char *to, size_t capacity, size_t at, char byte) {
  if (at + 1 < capacity) to[at] = byte;
}

static inline size_t convergio_end_text(char *to, size_t capacity, size_t bytes) {
  if (capacity > 0) to[bytes < capacity ? bytes : capacity - 1] = 0;
  return bytes;
}

// Writes a text as a JSON string, quotes included. The rule of snprintf holds (convergio.h).
static inline size_t convergio_quote(char *to, size_t capacity, const char *text) {
  const char *digits = "0123456789abcdef";
  size_t bytes = 0;
  convergio_put(to, capacity, bytes++, '"');
  for (; *text != 0; text++) {
    unsigned char byte = (unsigned char)*text;
    if (byte < 0x20) {
      for (const char *escape = "\\u00"; *escape != 0; escape++)
        convergio_put(to, capacity, bytes++, *escape);
      convergio_put(to, capacity, bytes++, digits[byte >> 4]);
      convergio_put(to, capacity, bytes++, digits[byte & 15]);
      continue;
    }
    if (byte == '"' || byte == '\\') convergio_put(to, capacity, bytes++, '\\');
    convergio_put(to, capacity, bytes++, *text);
  }
  convergio_put(to, capacity, bytes++, '"');
  return convergio_end_text(to, capacity, bytes);
}

static inline const char *convergio_pass_spaces(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

// Gives what follows a string, or NULL; `at` is its first quote.
static inline const char *convergio_pass_string(const char *at, const char *end) {
  for (at++; at < end; at++) {
    if (*at == '"') return at + 1;
    if (*at == '\\') at++;
  }
  return NULL;
}

// Gives what follows a value, or NULL.
static inline const char *convergio_pass_value(const char *at, const char *end) {
  size_t depth = 0;
  while (at != NULL && at < end) {
    char byte = *at;
    if (byte == '"') {
      at = convergio_pass_string(at, end);
    } else if (byte == '{' || byte == '[') {
      depth++;
      at++;
      continue;
    } else if (byte == '}' || byte == ']') {
      if (depth == 0) return at;
      depth--;
      at++;
    } else if (depth == 0 && (byte == ',' || convergio_pass_spaces(at, end) != at)) {
      return at;
    } else {
      at++;
      continue;
    }
    if (depth == 0) return at;
  }
  return depth == 0 ? at : NULL;
}

static inline int convergio_is_name(const char *at, const char *after, const char *name) {
  size_t bytes = convergio_text_length(name);
  if ((size_t)(after - at) != bytes + 2) return 0;
  for (size_t each = 0; each < bytes; each++)
    if (at[each + 1] != name[each]) return 0;
  return 1;
}

// Finds a member of an object by its name (one that JSON writes without escapes).
static inline convergio_slice convergio_member(convergio_slice object, const char *name) {
  convergio_slice none = {NULL, 0};
  const char *end = object.at + object.bytes;
  const char *at = object.at == NULL ? end : convergio_pass_spaces(object.at, end);
  if (at >= end || *at != '{') return none;
  while (at < end && *at != '}') {
    const char *key = convergio_pass_spaces(at + 1, end);
    if (key >= end || *key != '"') return none;
    const char *after = convergio_pass_string(key, end);
    if (after == NULL) return none;
    at = convergio_pass_spaces(after, end);
    if (at >= end || *at != ':') return none;
    const char *value = convergio_pass_spaces(at + 1, end);
    at = convergio_pass_value(value, end);
    if (at == NULL || at == value) return none;
    if (convergio_is_name(key, after, name)) {
      convergio_slice found = {value, (size_t)(at - value)};
      return found;
    }
    at = convergio_pass_spaces(at, end);
    if (at < end && *at != ',' && *at != '}') return none;
  }
  return none;
}

// Gives the value of four hexadecimal digits, or a number above 0xffff.
static inline uint32_t convergio_hex4(const char *at, const char *end) {
  uint32_t value = 0;
  if (end - at < 4) return UINT32_MAX;
  for (int each = 0; each < 4; each++) {
    char digit = at[each];
    char lower = (char)(digit | 0x20);
    if (digit >= '0' && digit <= '9') value = value << 4 | (uint32_t)(digit - '0');
    else if (lower >= 'a' && lower <= 'f') value = value << 4 | (uint32_t)(lower - 'a' + 10);
    else return UINT32_MAX;
  }
  return value;
}

static inline size_t convergio_put_utf8(char *to, size_t capacity, size_t bytes, uint32_t code) {
  if (code < 0x80) {
    convergio_put(to, capacity, bytes++, (char)code);
    return bytes;
  }
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  uint32_t mark = more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0;
  convergio_put(to, capacity, bytes++, (char)(mark | code >> (6 * more)));
  while (more-- > 0) convergio_put(to, capacity, bytes++, (char)(0x80 | (code >> (6 * more) & 63)));
  return bytes;
}

// Reads the text of a JSON string, or gives CONVERGIO_NONE when the value is none. The rule of
// snprintf holds (convergio.h). Half of a surrogate pair becomes U+FFFD.
static inline size_t convergio_text(char *to, size_t capacity, convergio_slice value) {
  if (value.at == NULL || value.bytes < 2 || *value.at != '"') return CONVERGIO_NONE;
  const char *end = value.at + value.bytes - 1;
  if (*end != '"') return CONVERGIO_NONE;
  size_t bytes = 0;
  for (const char *at = value.at + 1; at < end; at++) {
    if (*at != '\\') {
      convergio_put(to, capacity, bytes++, *at);
      continue;
    }
    if (++at >= end) return CONVERGIO_NONE;
    if (*at == 'u') {
      uint32_t code = convergio_hex4(at + 1, end);
      if (code > 0xffff) return CONVERGIO_NONE;
      at += 4;
      int is_pair = code >= 0xd800 && code < 0xdc00 && end - at > 6 && at[1] == '\\' && at[2] == 'u';
      uint32_t low = is_pair ? convergio_hex4(at + 3, end) : 0;
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
      } else if (code >= 0xd800 && code < 0xe000) {
        code = 0xfffd;
      }
      bytes = convergio_put_utf8(to, capacity, bytes, code);
      continue;
    }
    char byte = *at == 'n'   ? '\n'
                : *at == 't' ? '\t'
                : *at == 'r' ? '\r'
                : *at == 'b' ? '\b'
                : *at == 'f' ? '\f'
                             : *at;
    convergio_put(to, capacity, bytes++, byte);
  }
  return convergio_end_text(to, capacity, bytes);
}

#endif
