// Files by the functions of the C library, in the folders that the plugin was granted.

#include "convergio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char input[4096], text[300000];

static const char *input_text(void) {
  size_t length = convergio_input_length();
  if (length >= sizeof input) length = sizeof input - 1;
  convergio_input(input, 0, length);
  input[length] = 0;
  return input;
}

static int32_t failed(const char *what) {
  snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
  return convergio_answer_text(text);
}

// The input is a path, a newline and what goes into the file.
CONVERGIO_TOOL(save) {
  char *path = (char *)input_text(), *rest = strchr(path, '\n');
  if (rest == NULL) return convergio_answer_text("no text");
  *rest++ = 0;
  FILE *file = fopen(path, "w");
  if (file == NULL) return failed("open");
  if (fputs(rest, file) < 0) return failed("write");
  if (fclose(file) != 0) return failed("close");
  return convergio_answer_text("saved");
}

CONVERGIO_TOOL(load) {
  FILE *file = fopen(input_text(), "r");
  if (file == NULL) return failed("open");
  size_t length = fread(text, 1, sizeof text - 1, file);
  if (ferror(file)) return failed("read");
  fclose(file);
  text[length] = 0;
  return convergio_answer_text(text);
}

// Writes and returns: what was written and not closed is there when the call is over.
CONVERGIO_TOOL(leave_open) {
  int file = open("/cache/open", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0) return failed("open");
  if (write(file, "left open", 9) != 9) return failed("write");
  return convergio_answer_text("left");
}

CONVERGIO_TOOL(trap) {
  int file = open("/cache/trap", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0) return failed("open");
  if (write(file, "new", 3) != 3) return failed("write");
  __builtin_trap();
}

#define CHECK(condition)                                                                           \
  if (!(condition)) return failed(#condition)

static int count_of(const char *path) {
  DIR *folder = opendir(path);
  if (folder == NULL) return -1;
  int count = 0;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) count += entry->d_name[0] != '.';
  closedir(folder);
  return count;
}

CONVERGIO_TOOL(check) {
  struct stat stat_of;
  FILE *file = fopen("/cache/big", "w+");
  CHECK(file != NULL);
  for (int line = 0; line < 20000; line++) fprintf(file, "line %d\n", line);
  CHECK(fseek(file, 0, SEEK_SET) == 0);
  CHECK(fgets(text, sizeof text, file) != NULL && strcmp(text, "line 0\n") == 0);
  CHECK(fseek(file, -11, SEEK_END) == 0);
  CHECK(fgets(text, sizeof text, file) != NULL && strcmp(text, "line 19999\n") == 0);
  CHECK(fgets(text, sizeof text, file) == NULL && feof(file));
  CHECK(fclose(file) == 0);
  CHECK(stat("/cache/big", &stat_of) == 0 && S_ISREG(stat_of.st_mode));
  CHECK(stat_of.st_size == 208890);
  CHECK((file = fopen("/cache/log", "a")) != NULL && fputs("one\n", file) >= 0 && !fclose(file));
  CHECK((file = fopen("/cache/log", "a")) != NULL && fputs("two\n", file) >= 0 && !fclose(file));
  CHECK((file = fopen("/cache/log", "r+")) != NULL && fputs("ONE", file) >= 0 && !fclose(file));
  CHECK((file = fopen("/cache/log", "r")) != NULL);
  CHECK(fread(text, 1, sizeof text, file) == 8 && memcmp(text, "ONE\ntwo\n", 8) == 0);
  fclose(file);
  CHECK(open("/cache/log", O_WRONLY | O_CREAT | O_EXCL, 0600) < 0 && errno == EEXIST);
  CHECK(open("/cache/none", O_RDONLY) < 0 && errno == ENOENT);
  CHECK(open("/cache/log/x", O_RDONLY) < 0 && errno == ENOTDIR);
  CHECK(open("/elsewhere", O_RDONLY) < 0);
  CHECK(open("/cache/../../etc/passwd", O_RDONLY) < 0);
  CHECK(mkdir("/cache/d", 0700) == 0);
  CHECK(mkdir("/cache/d", 0700) < 0 && errno == EEXIST);
  CHECK(rename("/cache/log", "/cache/d/moved") == 0);
  CHECK(stat("/cache/d", &stat_of) == 0 && S_ISDIR(stat_of.st_mode));
  CHECK(rmdir("/cache/d") < 0 && errno == ENOTEMPTY);
  CHECK(count_of("/cache/d") == 1);
  CHECK(symlink("moved", "/cache/d/link") < 0);
  CHECK(link("/cache/d/moved", "/cache/d/link") < 0);
  CHECK(truncate("/cache/d/moved", 3) == 0);
  CHECK(stat("/cache/d/moved", &stat_of) == 0 && stat_of.st_size == 3);
  CHECK(unlink("/cache/d") < 0);
  CHECK(unlink("/cache/d/moved") == 0 && rmdir("/cache/d") == 0);
  for (int each = 0; each < 700; each++) {
    char name[32];
    snprintf(name, sizeof name, "/cache/many-%d", each);
    int made = open(name, O_WRONLY | O_CREAT, 0600);
    CHECK(made >= 0 && close(made) == 0);
  }
  CHECK(count_of("/cache") == 704);
  return convergio_answer_text("ok");
}
