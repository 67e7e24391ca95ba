import { type Budget, spend } from "./run.ts";

/**
 * Returns whether a number is a multiple of another in decimal arithmetic: 0.3 is one of 0.1.
 *
 * Binary division would say that it is not. The work is bounded by the range of doubles: integers
 * of some 640 digits.
 *
 * @param divisor  above zero
 * @see https://json-schema.org/draft/2020-12/json-schema-validation#section-6.2.1
 */
export function isMultiple(value: number, divisor: number, budget: Budget): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(divisor)) return value % divisor === 0;
  spend(budget, 100);
  const [a, b] = [decimalOf(value), decimalOf(divisor)];
  // Both as whole numbers of the smaller unit of the two.
  const shift = a.exponent - b.exponent;
  const digits = shift > 0 ? a.digits * 10n ** BigInt(shift) : a.digits;
  const unit = shift < 0 ? b.digits * 10n ** BigInt(-shift) : b.digits;
  return digits % unit === 0n;
}

/** The shortest decimal that means a double: `digits` times ten to the power of `exponent`. */
function decimalOf(value: number): { digits: bigint; exponent: number } {
  const [mantissa = "0", exponent = "0"] = value.toExponential().split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}
