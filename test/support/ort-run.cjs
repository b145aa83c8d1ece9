// Runs models in ONNX Runtime, in a process of its own: its tensors and those of a test come from different worlds. What
// to run is JSON on standard input: { package, folder, runs: [{ model, inputs: [{ name, type, dims, file }] }] }; each
// output goes to a file of `folder` and is described on standard output, or the run's error is.
const { readFileSync, writeFileSync } = require('node:fs');
const path = require('node:path');

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

async function runModel(ort, { model, inputs }, fileOf) {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const feeds = {};
  for (const { name, type, dims, file } of inputs) {
    feeds[name] = new ort.Tensor(type, new ARRAYS[type](new Uint8Array(readFileSync(file)).buffer), dims);
  }
  const results = await session.run(feeds);
  const outputs = session.outputNames.map((name, i) => {
    const { data, dims, type } = results[name];
    writeFileSync(fileOf(i), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return { name, type, dims: dims.map(Number), file: fileOf(i) };
  });
  await session.release();
  return { outputs };
}

async function main() {
  const request = JSON.parse(readFileSync(0, 'utf8'));
  const ort = require(request.package);
  const answers = [];
  for (const [at, run] of request.runs.entries()) {
    const fileOf = (i) => path.join(request.folder, `run${at}-output${i}`);
    answers.push(await runModel(ort, run, fileOf).catch((error) => ({ error: String(error) })));
  }
  process.stdout.write(JSON.stringify(answers));
}

void main();
