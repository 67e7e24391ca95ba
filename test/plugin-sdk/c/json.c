// What `convergio_json.h` does, laid open for a test that sets up the memory itself.

#include "convergio_json.h"

#define EXPORT(name) __attribute__((export_name(#name)))

EXPORT(quote) size_t quote(char *to, size_t capacity, const char *text) {
  return convergio_quote(to, capacity, text);
}

EXPORT(text) size_t text(char *to, size_t capacity, const char *at, size_t bytes) {
  convergio_slice value = {at, bytes};
  return convergio_text(to, capacity, value);
}

static convergio_slice found;

EXPORT(member) const char *member(const char *at, size_t bytes, const char *name) {
  convergio_slice object = {at, bytes};
  found = convergio_member(object, name);
  return found.at;
}

EXPORT(member_bytes) size_t member_bytes(void) { return found.bytes; }
