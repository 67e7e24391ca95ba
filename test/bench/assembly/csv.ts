// Numbers of a CSV of 512 KiB with quoted fields, summed by column.
const text = new StaticArray<u8>(512 * 1024);
const line = '12.5,"a ""b"" c",7,hello world,-3.25\n';
for (let i = 0; i < text.length; i++) unchecked((text[i] = <u8>line.charCodeAt(i % line.length)));
const sums = new StaticArray<f64>(8);

export function run(): f64 {
  let column = 0, quoted = false, number: f64 = 0, scale: f64 = 0, sign: f64 = 1, isNumber = true, length = 0;
  for (let at = 0; at < text.length; at++) {
    const byte = unchecked(text[at]);
    if (quoted) { if (byte == 34) quoted = false; continue; }
    if (byte == 34) { quoted = true; isNumber = false; }
    else if (byte == 44 || byte == 10) {
      if (isNumber && length > 0) unchecked((sums[column & 7] += sign * number));
      column = byte == 10 ? 0 : column + 1;
      number = 0; scale = 0; sign = 1; isNumber = true; length = 0;
    } else {
      length++;
      if (byte == 45) sign = -1;
      else if (byte == 46) scale = 0.1;
      else if (byte >= 48 && byte <= 57) {
        if (scale == 0) number = number * 10 + <f64>(byte - 48);
        else { number += scale * <f64>(byte - 48); scale *= 0.1; }
      } else isNumber = false;
    }
  }
  return unchecked(sums[0]);
}
