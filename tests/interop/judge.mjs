// Judges proofs with snarkjs in one process: reads [[key, public inputs, proof], ..] and prints [true, false, ..].
// What snarkjs throws at, a point off its curve for one, is false: its command line ends with a failure there.
import { readFileSync } from "node:fs";
import * as snarkjs from "snarkjs";

const verdicts = [];
for (const [key, inputs, proof] of JSON.parse(readFileSync(0, "utf-8"))) {
  verdicts.push(await snarkjs.groth16.verify(key, inputs, proof).catch(() => false));
}
console.log(JSON.stringify(verdicts));
process.exit(0);
