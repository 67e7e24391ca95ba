// The C and C++ kit of a plugin: what the host hands in, and what a plugin hands back.
//
// A block is a piece of memory that belongs to the host; a guest knows it by a 64-bit handle and
// moves bytes in and out eight at a time. Handle 0 means "nothing". Nothing here needs a C library.
//
// Functions that write to memory of the guest take it first, as memcpy and snprintf do. Those that
// give text keep to the rule of snprintf: they return the whole length, write what fits, and end it
// with a NUL whenever there is room for one.

#ifndef CONVERGIO_H
#define CONVERGIO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define CONVERGIO_C extern "C"
#else
#define CONVERGIO_C
#endif

// Returned instead of a length: there is no such value.
#define CONVERGIO_NONE SIZE_MAX

// Opens a tool, under a name that may be one of the C library's:
//
//   CONVERGIO_TOOL(greet) { return convergio_answer_text("hello"); }
#define CONVERGIO_TOOL(name)                                                                       \
  CONVERGIO_C __attribute__((export_name(#name))) int32_t convergio_tool_##name(void);             \
  CONVERGIO_C int32_t convergio_tool_##name(void)

// Declares a function of a capability, to be called through convergio_call:
//
//   CONVERGIO_HOST_FUNCTION(kv_get)
#define CONVERGIO_HOST_FUNCTION(name)                                                              \
  CONVERGIO_C __attribute__((import_module("extism:host/user"), import_name(#name))) uint64_t name( \
      uint64_t request);

#define CONVERGIO_ENV(name)                                                                        \
  CONVERGIO_C __attribute__((import_module("extism:host/env"), import_name(#name)))

CONVERGIO_ENV(input_length) uint64_t convergio_env_input_length(void);
CONVERGIO_ENV(input_load_u8) uint32_t convergio_env_input_load_u8(uint64_t offset);
CONVERGIO_ENV(input_load_u64) uint64_t convergio_env_input_load_u64(uint64_t offset);
CONVERGIO_ENV(alloc) uint64_t convergio_env_alloc(uint64_t bytes);
CONVERGIO_ENV(free) void convergio_env_free(uint64_t block);
CONVERGIO_ENV(length) uint64_t convergio_env_length(uint64_t block);
CONVERGIO_ENV(load_u8) uint32_t convergio_env_load_u8(uint64_t address);
CONVERGIO_ENV(load_u64) uint64_t convergio_env_load_u64(uint64_t address);
CONVERGIO_ENV(store_u8) void convergio_env_store_u8(uint64_t address, uint32_t value);
CONVERGIO_ENV(store_u64) void convergio_env_store_u64(uint64_t address, uint64_t value);
CONVERGIO_ENV(output_set) void convergio_env_output_set(uint64_t address, uint64_t bytes);
CONVERGIO_ENV(error_set) void convergio_env_error_set(uint64_t block);
CONVERGIO_ENV(config_get) uint64_t convergio_env_config_get(uint64_t key);
CONVERGIO_ENV(var_get) uint64_t convergio_env_var_get(uint64_t key);
CONVERGIO_ENV(var_set) void convergio_env_var_set(uint64_t key, uint64_t value);
CONVERGIO_ENV(log_trace) void convergio_env_log_trace(uint64_t text);
CONVERGIO_ENV(log_debug) void convergio_env_log_debug(uint64_t text);
CONVERGIO_ENV(log_info) void convergio_env_log_info(uint64_t text);
CONVERGIO_ENV(log_warn) void convergio_env_log_warn(uint64_t text);
CONVERGIO_ENV(log_error) void convergio_env_log_error(uint64_t text);

static inline size_t convergio_text_length(const char *text) {
  size_t bytes = 0;
  while (text[bytes] != 0) bytes++;
  return bytes;
}

// Writes texts one after the other; the last argument must be NULL.
static inline size_t convergio_join(char *to, size_t capacity, ...) {
  size_t bytes = 0;
  __builtin_va_list texts;
  __builtin_va_start(texts, capacity);
  for (const char *text; (text = __builtin_va_arg(texts, const char *)) != NULL;)
    for (; *text != 0; text++, bytes++)
      if (bytes + 1 < capacity) to[bytes] = *text;
  __builtin_va_end(texts);
  if (capacity > 0) to[bytes < capacity ? bytes : capacity - 1] = 0;
  return bytes;
}

// ---- Blocks. Those given to the functions further down belong to the host from then on.

// Gives a new block of the host. Without memory for it the call ends, as nothing could be answered.
static inline uint64_t convergio_block(size_t bytes) {
  uint64_t block = convergio_env_alloc(bytes);
  if (block == 0 && bytes > 0) __builtin_trap();
  return block;
}

// Gives a block back to the host.
static inline void convergio_free(uint64_t block) { convergio_env_free(block); }

// Gives the bytes of a block.
static inline size_t convergio_length(uint64_t block) {
  return (size_t)convergio_env_length(block);
}

// Copies bytes into a block, from an offset on.
static inline void convergio_store(uint64_t block, size_t offset, const void *from, size_t bytes) {
  const unsigned char *at = (const unsigned char *)from;
  uint64_t address = block + offset;
  for (; bytes >= 8; bytes -= 8, at += 8, address += 8) {
    uint64_t word;
    __builtin_memcpy(&word, at, 8);
    convergio_env_store_u64(address, word);
  }
  for (; bytes > 0; bytes--, at++, address++) convergio_env_store_u8(address, *at);
}

// Copies bytes out of a block, from an offset on.
static inline void convergio_load(void *to, uint64_t block, size_t offset, size_t bytes) {
  unsigned char *at = (unsigned char *)to;
  uint64_t address = block + offset;
  for (; bytes >= 8; bytes -= 8, at += 8, address += 8) {
    uint64_t word = convergio_env_load_u64(address);
    __builtin_memcpy(at, &word, 8);
  }
  for (; bytes > 0; bytes--, at++, address++) *at = (unsigned char)convergio_env_load_u8(address);
}

// Gives a new block that holds bytes of the guest.
static inline uint64_t convergio_block_of(const void *from, size_t bytes) {
  uint64_t block = convergio_block(bytes);
  convergio_store(block, 0, from, bytes);
  return block;
}

static inline uint64_t convergio_text_block(const char *text) {
  return convergio_block_of(text, convergio_text_length(text));
}

// Copies the text out of a block that the host returned, and gives the block back.
static inline size_t convergio_take_text(char *to, size_t capacity, uint64_t block) {
  size_t bytes = convergio_length(block);
  size_t fitting = bytes < capacity ? bytes : capacity == 0 ? 0 : capacity - 1;
  convergio_load(to, block, 0, fitting);
  if (capacity > 0) to[fitting] = 0;
  convergio_free(block);
  return bytes;
}

// ---- Input, output, error.

// Gives the bytes of the call's input.
static inline size_t convergio_input_length(void) { return (size_t)convergio_env_input_length(); }

// Copies the input from an offset on, as often as it is needed; bytes beyond its end are 0.
static inline void convergio_input(void *to, size_t offset, size_t bytes) {
  unsigned char *at = (unsigned char *)to;
  for (; bytes >= 8; bytes -= 8, at += 8, offset += 8) {
    uint64_t word = convergio_env_input_load_u64(offset);
    __builtin_memcpy(at, &word, 8);
  }
  for (; bytes > 0; bytes--, at++, offset++)
    *at = (unsigned char)convergio_env_input_load_u8(offset);
}

// Copies the text of the input.
static inline size_t convergio_input_text(char *to, size_t capacity) {
  size_t bytes = convergio_input_length();
  size_t fitting = bytes < capacity ? bytes : capacity == 0 ? 0 : capacity - 1;
  convergio_input(to, 0, fitting);
  if (capacity > 0) to[fitting] = 0;
  return bytes;
}

// Makes the first bytes of a block the call's output; the last output set counts.
static inline int32_t convergio_answer_block(uint64_t block, size_t bytes) {
  convergio_env_output_set(block, bytes);
  return 0;
}

// Sets the call's output. Write `return convergio_answer(…)`.
static inline int32_t convergio_answer(const void *from, size_t bytes) {
  return convergio_answer_block(convergio_block_of(from, bytes), bytes);
}

// Sets the call's output to a text. Write `return convergio_answer_text(…)`.
static inline int32_t convergio_answer_text(const char *text) {
  return convergio_answer(text, convergio_text_length(text));
}

// Ends the call with an error whose text the caller sees. Write `return convergio_fail(…)`.
static inline int32_t convergio_fail(const char *message) {
  convergio_env_error_set(convergio_text_block(message));
  return 1;
}

// ---- Configuration, variables, log.

// Gives one property of the plugin's configuration, or CONVERGIO_NONE when it is not set.
static inline size_t convergio_config(char *to, size_t capacity, const char *key) {
  uint64_t block = convergio_env_config_get(convergio_text_block(key));
  return block == 0 ? CONVERGIO_NONE : convergio_take_text(to, capacity, block);
}

// Gives a variable of this instance, or CONVERGIO_NONE; it lives as long as the instance does.
static inline size_t convergio_variable(char *to, size_t capacity, const char *key) {
  uint64_t block = convergio_env_var_get(convergio_text_block(key));
  return block == 0 ? CONVERGIO_NONE : convergio_take_text(to, capacity, block);
}

// Sets a variable of this instance; NULL, or a text without bytes, removes it.
static inline void convergio_set_variable(const char *key, const char *value) {
  uint64_t block = value == NULL ? 0 : convergio_text_block(value);
  convergio_env_var_set(convergio_text_block(key), block);
}

// Each writes a line to the plugin's log.
static inline void convergio_trace(const char *text) {
  convergio_env_log_trace(convergio_text_block(text));
}
static inline void convergio_debug(const char *text) {
  convergio_env_log_debug(convergio_text_block(text));
}
static inline void convergio_info(const char *text) {
  convergio_env_log_info(convergio_text_block(text));
}
static inline void convergio_warn(const char *text) {
  convergio_env_log_warn(convergio_text_block(text));
}
static inline void convergio_error(const char *text) {
  convergio_env_log_error(convergio_text_block(text));
}

// ---- Host functions.

// Asks a host function: JSON text out, JSON text back (`{"ok": …}` or `{"error": …}`), which
// `convergio_json.h` reads. An answer as long as the capacity or longer was cut.
static inline size_t convergio_call(char *to, size_t capacity, uint64_t (*function)(uint64_t),
                                    const char *request) {
  uint64_t block = convergio_text_block(request);
  uint64_t response = function(block);
  convergio_free(block);
  return convergio_take_text(to, capacity, response);
}

#endif
