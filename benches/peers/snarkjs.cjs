// snarkjs as an engine of the benches: node snarkjs.cjs SNARKJS (protocol.md). Its own start is not counted.
const fs = require("fs");
const readline = require("readline");

const snarkjs = require(require("path").resolve(process.argv[2]));
const version = "snarkjs " + require(require("path").resolve(process.argv[2], "../../package.json")).version;

async function answer(ask) {
    if (ask.op === "hello") return { version: version + ", node " + process.version };
    const { zkey, wtns, vk } = ask.files;
    const key = JSON.parse(fs.readFileSync(vk, "utf8"));
    await snarkjs.curves.getCurveFromName("bn128");
    let made = ask.op === "groth16_verify" ? await snarkjs.groth16.prove(zkey, wtns) : null;
    let accepted = null;
    const start = process.hrtime.bigint(), before = process.cpuUsage();
    for (let i = 0; i < ask.repeat; i++) {
        if (ask.op === "groth16_prove") made = await snarkjs.groth16.prove(zkey, wtns);
        else accepted = await snarkjs.groth16.verify(key, made.publicSignals, made.proof);
    }
    const used = process.cpuUsage(before), wall = Number(process.hrtime.bigint() - start) / 1e9;
    if (accepted === null) accepted = await snarkjs.groth16.verify(key, made.publicSignals, made.proof);
    return {
        wall_s: wall / ask.repeat,
        cpu_s: (used.user + used.system) / 1e6 / ask.repeat,
        digest: accepted ? "accepted" : "rejected",
        peak_mib: process.resourceUsage().maxRSS / 1024,
    };
}

async function main() {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        let found;
        try {
            found = await answer(JSON.parse(line));
        } catch (error) {
            found = { error: String(error) };
        }
        process.stdout.write(JSON.stringify(found) + "\n");
    }
    process.exit(0);
}

main();
