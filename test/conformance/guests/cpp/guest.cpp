// What C++ adds to C: objects that must be constructed before the first call, once.

#include "convergio.h"

namespace {

int constructed = 0;

struct Greeting {
  char text[32];

  // Not a constant expression, so that it happens when the module starts and not before.
  Greeting() {
    convergio_join(text, sizeof text, "constructed ", ++constructed == 1 ? "once" : "twice", NULL);
  }
};

Greeting greeting;

}  // namespace

CONVERGIO_TOOL(greeting) { return convergio_answer_text(greeting.text); }
