// Runs a model in ONNX Runtime, in a process of its own: its tensors and those of a test come from different worlds.
// What to run is JSON on standard input: { package, model, inputs: [{ name, type, dims, file }], folder }; each output
// goes to a file of `folder` and is described on standard output.
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

async function main() {
  const request = JSON.parse(readFileSync(0, 'utf8'));
  const { InferenceSession, Tensor, env } = require(request.package);
  const session = await InferenceSession.create(request.model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const feeds = {};
  for (const { name, type, dims, file } of request.inputs) {
    const bytes = readFileSync(file);
    const copy = new Uint8Array(bytes).buffer;
    feeds[name] = new Tensor(type, new ARRAYS[type](copy), dims);
  }
  const results = await session.run(feeds);
  const outputs = session.outputNames.map((name, i) => {
    const { data, dims, type } = results[name];
    const file = path.join(request.folder, `output${i}`);
    writeFileSync(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return { name, type, dims: dims.map(Number), file };
  });
  process.stdout.write(JSON.stringify({ version: env.versions.node, outputs }));
}

main().catch((error) => {
  process.stderr.write(String(error));
  process.exitCode = 1;
});
