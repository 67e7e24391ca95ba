/**
 * What a text is made of, found in one pass.
 *
 * A word is what stands between spaces and holds a letter or a digit; a Chinese or Japanese
 * character is a word of its own, as those scripts have no spaces. A sentence ends with a stop that
 * something other than a letter or a digit follows, so "3.14" ends none.
 */
export class Tally {
  characters: i32 = 0;
  words: i32 = 0;
  sentences: i32 = 0;
  paragraphs: i32 = 0;
  lines: i32 = 0;
  /** Without punctuation around it; the first of several. */
  longestWord: string = "";

  private longestCharacters: i32 = 0;
  private wordStart: i32 = -1;
  private wordEnd: i32 = 0;
  private wordCharacters: i32 = 0;
  private wordCharactersAtEnd: i32 = 0;
  private wordsInSentence: i32 = 0;
  private lineIsBlank: bool = true;
  private inParagraph: bool = false;

  constructor(text: string) {
    for (let at = 0; at < text.length; ) {
      const character = text.codePointAt(at);
      const next = at + (character > 0xffff ? 2 : 1);
      this.characters++;
      this.visit(text, character, at, next);
      at = next;
    }
    this.endWord(text);
    this.endSentence();
    if (text.length > 0 && text.charCodeAt(text.length - 1) != 0x0a) this.endLine();
  }

  private visit(text: string, character: i32, at: i32, next: i32): void {
    if (isSpace(character)) {
      this.endWord(text);
      if (character == 0x0a) this.endLine();
      return;
    }
    this.lineIsBlank = false;
    if (isIdeograph(character)) {
      this.endWord(text);
      this.extendWord(at, next);
      this.endWord(text);
    } else if (isLetter(character)) this.extendWord(at, next);
    else if (this.wordStart >= 0) this.wordCharacters++;
    if (isStop(character) && !continues(text, character, next)) {
      this.endWord(text);
      this.endSentence();
    }
  }

  private extendWord(start: i32, end: i32): void {
    if (this.wordStart < 0) {
      this.wordStart = start;
      this.wordCharacters = 0;
    }
    this.wordCharactersAtEnd = ++this.wordCharacters;
    this.wordEnd = end;
  }

  private endWord(text: string): void {
    if (this.wordStart < 0) return;
    this.words++;
    this.wordsInSentence++;
    if (this.wordCharactersAtEnd > this.longestCharacters) {
      this.longestCharacters = this.wordCharactersAtEnd;
      this.longestWord = text.substring(this.wordStart, this.wordEnd);
    }
    this.wordStart = -1;
  }

  private endSentence(): void {
    if (this.wordsInSentence > 0) this.sentences++;
    this.wordsInSentence = 0;
  }

  private endLine(): void {
    this.lines++;
    if (!this.lineIsBlank && !this.inParagraph) this.paragraphs++;
    this.inParagraph = !this.lineIsBlank;
    this.lineIsBlank = true;
  }
}

// The property White_Space of Unicode.
function isSpace(c: i32): bool {
  return (
    c == 0x20 || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
    (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
    c == 0x3000
  );
}

// Letters and digits of ASCII; beyond it whatever is not in a block of punctuation or pictures.
function isLetter(c: i32): bool {
  if (c < 0x80) return (c >= 0x30 && c <= 0x39) || ((c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a);
  if (c < 0xc0) return c == 0xaa || c == 0xb5 || c == 0xba;
  if (c == 0xd7 || c == 0xf7) return false;
  if (c >= 0x2000 && c <= 0x2bff) return c >= 0x2070 && c <= 0x218f && (c < 0x20a0 || c >= 0x2100);
  if (c >= 0x3000 && c <= 0x3004) return false;
  if (c >= 0x3008 && c <= 0x3020) return false;
  if (c >= 0xff00 && c <= 0xff0f) return false;
  return !(c >= 0xfe00 && c <= 0xfe6f) && !(c >= 0x1f000 && c <= 0x1fbff);
}

// Chinese characters and the two Japanese syllabaries.
function isIdeograph(c: i32): bool {
  return (
    (c >= 0x3041 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x4e00 && c <= 0x9fff) ||
    (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x323af)
  );
}

function isStop(c: i32): bool {
  return (
    c == 0x2e || c == 0x21 || c == 0x3f || c == 0x2026 || c == 0x3002 || c == 0xff01 || c == 0xff1f
  );
}

// A full-width stop always ends a sentence, a narrow one not within "3.14" or "example.org".
function continues(text: string, stop: i32, next: i32): bool {
  if (stop >= 0x3000 || next >= text.length) return false;
  const after = text.codePointAt(next);
  return isLetter(after) && !isIdeograph(after);
}
