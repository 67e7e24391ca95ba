// The plugin of the README: it greets, and remembers whom it greeted.

#include "convergio.h"
#include "convergio_json.h"

CONVERGIO_HOST_FUNCTION(kv_set)

CONVERGIO_TOOL(greet) {
  char name[256], key[600], request[1400], answer[1400];
  if (convergio_input_text(name, sizeof name) >= sizeof name)
    return convergio_fail("the name is too long");
  convergio_quote(key, sizeof key, name);
  convergio_join(request, sizeof request, "{\"key\":", key, ",\"value\":", key, "}", NULL);
  convergio_call(answer, sizeof answer, kv_set, request);
  if (convergio_member(convergio_slice_of(answer), "ok").at == NULL) return convergio_fail(answer);
  convergio_info(name);
  convergio_join(answer, sizeof answer, "Hello ", name, NULL);
  return convergio_answer_text(answer);
}
