// Times snarkjs on one key and witness, start of node and of its workers apart.
//
//     node snarkjs_groth16.cjs SNARKJS ZKEY WTNS VERIFICATION_KEY ROUNDS
//
// Prints {"prove": [seconds, ..], "verify": [seconds, ..]}; fails unless every proof is accepted.
const fs = require("fs");

async function main() {
    const [snarkjsPath, zkey, wtns, key, rounds] = process.argv.slice(2);
    const snarkjs = require(snarkjsPath);
    const vk = JSON.parse(fs.readFileSync(key, "utf8"));
    const seconds = { prove: [], verify: [] };
    const time = async (name, work) => {
        const start = process.hrtime.bigint();
        const result = await work();
        seconds[name].push(Number(process.hrtime.bigint() - start) / 1e9);
        return result;
    };
    await snarkjs.curves.getCurveFromName("bn128");
    for (let i = 0; i < Number(rounds); i++) {
        const { proof, publicSignals } = await time("prove", () => snarkjs.groth16.prove(zkey, wtns));
        if (!(await time("verify", () => snarkjs.groth16.verify(vk, publicSignals, proof)))) {
            throw new Error("snarkjs refuses its own proof");
        }
    }
    console.log(JSON.stringify(seconds));
    process.exit(0);
}

main();
