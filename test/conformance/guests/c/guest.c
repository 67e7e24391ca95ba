// The conformance guest in C: the same with and without a C library, but for the last tool.

#include "convergio.h"
#include "convergio_json.h"

#ifdef __wasi__
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#endif

CONVERGIO_HOST_FUNCTION(kv_set)
CONVERGIO_HOST_FUNCTION(kv_get)

// One call at a time runs in an instance, so a buffer may be shared by all tools.
static char request[4096], answer[4096], text[1024], quoted[2048];

static int is_text(const char *left, const char *right) {
  while (*left != 0 && *left == *right) left++, right++;
  return *left == *right;
}

CONVERGIO_TOOL(count_vowels) {
  size_t length = convergio_input_length();
  unsigned count = 0;
  for (size_t at = 0; at < length; at += sizeof text) {
    size_t bytes = length - at < sizeof text ? length - at : sizeof text;
    convergio_input(text, at, bytes);
    for (size_t each = 0; each < bytes; each++)
      for (const char *vowel = "aeiouAEIOU"; *vowel != 0; vowel++) count += *vowel == text[each];
  }
  char digits[12], *at = digits + sizeof digits;
  *--at = 0;
  do *--at = (char)('0' + count % 10);
  while ((count /= 10) > 0);
  convergio_join(answer, sizeof answer, "{\"count\":", at, "}", NULL);
  return convergio_answer_text(answer);
}

static convergio_slice asked(uint64_t (*function)(uint64_t)) {
  convergio_call(answer, sizeof answer, function, request);
  return convergio_member(convergio_slice_of(answer), "ok");
}

CONVERGIO_TOOL(greet) {
  if (convergio_input_text(text, sizeof text) >= sizeof text) return convergio_fail("too long");
  convergio_quote(quoted, sizeof quoted, text);
  convergio_join(request, sizeof request, "{\"key\":", quoted, ",\"value\":", quoted, "}", NULL);
  if (asked(kv_set).at == NULL) return convergio_fail(answer);
  convergio_join(request, sizeof request, "{\"key\":", quoted, "}", NULL);
  convergio_slice value = convergio_member(asked(kv_get), "value");
  if (convergio_text(text, sizeof text, value) == CONVERGIO_NONE) return convergio_fail(answer);
  convergio_join(request, sizeof request, "Hello ", text, NULL);
  convergio_quote(quoted, sizeof quoted, request);
  convergio_join(answer, sizeof answer, "{\"greeting\":", quoted, "}", NULL);
  return convergio_answer_text(answer);
}

// Goes through the input in pieces that fit, with no memory of its own for the whole of it.
static int32_t answer_plus(unsigned char difference) {
  size_t length = convergio_input_length();
  uint64_t block = convergio_block(length);
  for (size_t at = 0; at < length; at += sizeof text) {
    size_t bytes = length - at < sizeof text ? length - at : sizeof text;
    convergio_input(text, at, bytes);
    for (size_t each = 0; each < bytes; each++) text[each] = (char)(text[each] + difference);
    convergio_store(block, at, text, bytes);
  }
  return convergio_answer_block(block, length);
}

CONVERGIO_TOOL(echo) { return answer_plus(0); }

CONVERGIO_TOOL(big) { return answer_plus(1); }

CONVERGIO_TOOL(fail) {
  convergio_input_text(text, sizeof text);
  convergio_join(answer, sizeof answer, "no: ", text, NULL);
  return convergio_fail(answer);
}

CONVERGIO_TOOL(rc) { return 7; }

static const char *setting(char *to, size_t capacity, const char *key) {
  if (convergio_config(text, sizeof text, key) == CONVERGIO_NONE) return "null";
  convergio_quote(to, capacity, text);
  return to;
}

CONVERGIO_TOOL(config_get) {
  const char *greeting = setting(quoted, sizeof quoted, "greeting");
  const char *other = setting(request, sizeof request, "toString");
  convergio_join(answer, sizeof answer, "{\"greeting\":", greeting, ",\"toString\":", other, "}",
                 NULL);
  return convergio_answer_text(answer);
}

CONVERGIO_TOOL(vars) {
  convergio_input_text(text, sizeof text);
  if (is_text(text, "forget")) {
    convergio_set_variable("count", NULL);
    size_t length = convergio_variable(text, sizeof text, "count");
    return convergio_answer_text(length == CONVERGIO_NONE ? "null" : "kept");
  }
  if (convergio_variable(text, sizeof text, "count") == CONVERGIO_NONE) text[0] = '0', text[1] = 0;
  text[0]++;
  convergio_set_variable("count", text);
  return convergio_answer_text(text);
}

CONVERGIO_TOOL(log) {
  convergio_trace("trace ä 🦉");
  convergio_debug("debug ä 🦉");
  convergio_info("info ä 🦉");
  convergio_warn("warn ä 🦉");
  convergio_error("error ä 🦉");
  return convergio_answer_text("logged");
}

CONVERGIO_TOOL(trap) { __builtin_trap(); }

#ifdef __wasi__
CONVERGIO_TOOL(random_and_clock) {
  unsigned char random[16];
  char hex[33];
  struct timespec wall, start, end;
  if (getentropy(random, sizeof random) != 0) return convergio_fail("no random bytes");
  for (size_t at = 0; at < sizeof random; at++) snprintf(hex + 2 * at, 3, "%02x", random[at]);
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_gettime(CLOCK_MONOTONIC, &start);
  clock_gettime(CLOCK_MONOTONIC, &end);
  long long wall_ms = wall.tv_sec * 1000LL + wall.tv_nsec / 1000000;
  long long passed = (end.tv_sec - start.tv_sec) * 1000000000LL + end.tv_nsec - start.tv_nsec;
  snprintf(answer, sizeof answer, "{\"random\":\"%s\",\"wallMs\":%lld,\"passedNs\":%lld}", hex,
           wall_ms, passed);
  return convergio_answer_text(answer);
}
#endif
