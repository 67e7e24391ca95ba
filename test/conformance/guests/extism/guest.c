// A program written against the import names that the Extism project documents, each used once: what
// its C kit, and the kits of other languages that are built the same way, expect of a host.

#include <stdint.h>

#define ENV(name) __attribute__((import_module("extism:host/env"), import_name(#name))) extern
#define EXPORT(name) __attribute__((export_name(#name)))

typedef uint64_t ExtismHandle;

ENV(input_length) uint64_t extism_input_length(void);
ENV(input_offset) ExtismHandle extism_input_offset(void);
ENV(input_load_u8) uint8_t extism_input_load_u8(uint64_t offset);
ENV(input_load_u64) uint64_t extism_input_load_u64(uint64_t offset);
ENV(length) uint64_t extism_length(ExtismHandle handle);
ENV(length_unsafe) uint64_t extism_length_unsafe(ExtismHandle handle);
ENV(alloc) ExtismHandle extism_alloc(uint64_t bytes);
ENV(free) void extism_free(ExtismHandle handle);
ENV(load_u8) uint8_t extism_load_u8(ExtismHandle handle);
ENV(load_u64) uint64_t extism_load_u64(ExtismHandle handle);
ENV(store_u8) void extism_store_u8(ExtismHandle handle, uint8_t value);
ENV(store_u64) void extism_store_u64(ExtismHandle handle, uint64_t value);
ENV(output_set) void extism_output_set(ExtismHandle handle, uint64_t bytes);
ENV(error_set) void extism_error_set(ExtismHandle handle);
ENV(error_get) ExtismHandle extism_error_get(void);
ENV(config_get) ExtismHandle extism_config_get(ExtismHandle key);
ENV(var_get) ExtismHandle extism_var_get(ExtismHandle key);
ENV(var_set) void extism_var_set(ExtismHandle key, ExtismHandle value);
ENV(http_request) ExtismHandle extism_http_request(ExtismHandle request, ExtismHandle body);
ENV(http_status_code) int32_t extism_http_status_code(void);
ENV(http_headers) ExtismHandle extism_http_headers(void);
ENV(log_trace) void extism_log_trace(ExtismHandle message);
ENV(log_debug) void extism_log_debug(ExtismHandle message);
ENV(log_info) void extism_log_info(ExtismHandle message);
ENV(log_warn) void extism_log_warn(ExtismHandle message);
ENV(log_error) void extism_log_error(ExtismHandle message);
ENV(get_log_level) int32_t extism_get_log_level(void);

static ExtismHandle text(const char *from) {
  uint64_t bytes = 0;
  while (from[bytes] != 0) bytes++;
  ExtismHandle handle = extism_alloc(bytes);
  for (uint64_t at = 0; at < bytes; at++) extism_store_u8(handle + at, (uint8_t)from[at]);
  return handle;
}

static int32_t give(const char *from) {
  ExtismHandle handle = text(from);
  extism_output_set(handle, extism_length_unsafe(handle));
  return 0;
}

static int32_t differ(const char *what) {
  extism_error_set(text(what));
  return 1;
}

#define EXPECT(condition)                                                                          \
  if (!(condition)) return differ(#condition)

// The input twice over: as a block of the host, and by its own functions.
EXPORT(read_input) int32_t read_input(void) {
  ExtismHandle input = extism_input_offset();
  uint64_t bytes = extism_input_length();
  EXPECT(extism_length_unsafe(input) == bytes);
  EXPECT(extism_length(input) == bytes);
  EXPECT(extism_length(input + 1) == 0);
  EXPECT(extism_load_u64(input) == extism_input_load_u64(0));
  EXPECT(extism_load_u8(input + bytes - 1) == extism_input_load_u8(bytes - 1));
  EXPECT(extism_input_load_u8(bytes) == 0);
  EXPECT(extism_input_load_u64(bytes - 7) == 0);
  extism_output_set(input, bytes);
  return 0;
}

// Nothing, bogus handles and handles given back twice are all borne.
EXPORT(blocks) int32_t blocks(void) {
  EXPECT(extism_alloc(0) == 0);
  EXPECT(extism_length(0) == 0);
  EXPECT(extism_length_unsafe(0) == 0);
  ExtismHandle block = extism_alloc(16);
  extism_store_u64(block, 0x0807060504030201);
  extism_store_u64(block + 8, 0x100f0e0d0c0b0a09);
  EXPECT(extism_load_u64(block + 4) == 0x0c0b0a0908070605);
  EXPECT(extism_load_u8(block + 15) == 16);
  extism_free(block);
  EXPECT(extism_length(block) == 0);
  extism_free(block);
  extism_free(0);
  extism_free(UINT64_MAX);
  return give("blocks");
}

EXPORT(part_of_a_block) int32_t part_of_a_block(void) {
  ExtismHandle block = text("the middle of it");
  extism_output_set(block + 4, 6);
  return 0;
}

EXPORT(errors) int32_t errors(void) {
  EXPECT(extism_error_get() == 0);
  ExtismHandle message = text("no error after all");
  extism_error_set(message);
  EXPECT(extism_error_get() == message);
  extism_error_set(0);
  EXPECT(extism_error_get() == 0);
  return give("errors");
}

EXPORT(error_though_0) int32_t error_though_0(void) {
  extism_error_set(text("it returned 0"));
  return 0;
}

// The host takes keys and values; kits that give them back once more do no harm.
EXPORT(settings) int32_t settings(void) {
  ExtismHandle key = text("greeting");
  ExtismHandle value = extism_config_get(key);
  extism_free(key);
  EXPECT(extism_length(value) == 5);
  EXPECT(extism_config_get(text("toString")) == 0);
  extism_var_set(text("kept"), value);
  ExtismHandle kept = extism_var_get(text("kept"));
  EXPECT(extism_length(kept) == 5);
  EXPECT(extism_load_u8(kept) == 'h');
  extism_store_u8(kept, 'H');
  EXPECT(extism_load_u8(extism_var_get(text("kept"))) == 'h');
  extism_var_set(text("kept"), 0);
  EXPECT(extism_var_get(text("kept")) == 0);
  return give("settings");
}

EXPORT(logs) int32_t logs(void) {
  extism_log_trace(text("trace"));
  extism_log_debug(text("debug"));
  extism_log_info(text("info"));
  extism_log_warn(text("warn"));
  extism_log_error(text("error"));
  EXPECT(extism_get_log_level() == 2);
  return give("logs");
}

EXPORT(http_before) int32_t http_before(void) {
  EXPECT(extism_http_status_code() == 0);
  EXPECT(extism_http_headers() == 0);
  return give("http_before");
}

EXPORT(http) int32_t http(void) {
  extism_http_request(text("{\"url\":\"https://example.com/\"}"), 0);
  return give("it was not refused");
}
