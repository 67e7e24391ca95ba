// Two matrices of 128 by 128, multiplied four times.
const size = 128;
const a = new StaticArray<f32>(size * size), b = new StaticArray<f32>(size * size), c = new StaticArray<f32>(size * size);
for (let i = 0; i < size * size; i++) { unchecked((a[i] = <f32>(i % 17))); unchecked((b[i] = <f32>(i % 13))); }

export function run(): f32 {
  for (let turn = 0; turn < 4; turn++)
    for (let row = 0; row < size; row++)
      for (let column = 0; column < size; column++) {
        let sum: f32 = 0;
        for (let i = 0; i < size; i++) sum += unchecked(a[row * size + i]) * unchecked(b[i * size + column]);
        unchecked((c[row * size + column] = sum));
      }
  return unchecked(c[77]);
}
