// A greedy LZ over 256 KiB with a table of hashes.
const input = new StaticArray<u8>(256 * 1024), output = new StaticArray<u8>(512 * 1024), table = new StaticArray<i32>(1 << 14);
let seed: u32 = 1;
for (let i = 0; i < input.length; i++) {
  seed = seed * 1664525 + 1013904223;
  unchecked((input[i] = i > 64 && (seed >> 28) != 0 ? input[i - 61] : <u8>(seed >> 24)));
}

export function run(): i32 {
  for (let i = 0; i < table.length; i++) unchecked((table[i] = -1));
  const base = changetype<usize>(input);
  let at = 0, out = 0;
  while (at + 8 < input.length) {
    const word = load<u32>(base + at), slot = (word * 2654435761) >> 18;
    const before = unchecked(table[slot]);
    unchecked((table[slot] = at));
    if (before >= 0 && at - before < 65535 && load<u32>(base + before) == word) {
      let length = 4;
      while (at + length < input.length && length < 255 && unchecked(input[before + length]) == unchecked(input[at + length])) length++;
      unchecked((output[out] = 255)); unchecked((output[out + 1] = <u8>length));
      store<u16>(changetype<usize>(output) + out + 2, <u16>(at - before));
      out += 4; at += length;
    } else { unchecked((output[out++] = input[at++])); }
  }
  return out;
}
