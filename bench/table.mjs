/** The Markdown table of a benchmark's result. */
const ms = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3));
const mib = (bytes) => `${Math.round(bytes / 2 ** 20)}`;

function row({ model, mode, batch, threads, flops, results }, peaks) {
  const { dlc, ...peers } = results;
  const best = Object.entries(peers).sort(([, a], [, b]) => a.median_ms - b.median_ms)[0];
  const ceiling = peaks[threads > 1 ? 1 : 0] * 1e9;
  const share = flops / (dlc.median_ms / 1000) / ceiling;
  const cells = [
    `${model} ${mode} ${batch}`,
    threads,
    `${ms(dlc.median_ms)} / ${ms(dlc.p95_ms)}`,
    `${Math.round(100 * share)} %`,
    mib(dlc.peak_rss),
    ...(best
      ? [
          `${ms(best[1].median_ms)} / ${ms(best[1].p95_ms)}`,
          best[0],
          `**${(best[1].median_ms / dlc.median_ms).toFixed(2)}**`,
          `${mib(best[1].peak_rss)}`,
          (dlc.peak_rss / best[1].peak_rss).toFixed(2),
        ]
      : ['', '', '', '', '']),
  ];
  return `| ${cells.join(' | ')} |`;
}

const PRECISIONS = {
  float32: 'float32.',
  bfloat16:
    'bfloat16: dlc with `--precision bfloat16`, PyTorch under `torch.autocast`, ONNX Runtime in float32; weights are float32.',
};

export function markdown({ date, machine, versions, precision = 'float32', busy, rows }) {
  const { float32, bf16 } = machine.peak;
  // Where the processor multiplies nothing in bfloat16, products are those of float32.
  const peaks = precision === 'bfloat16' && bf16[0] > 0 ? bf16 : float32;
  const used = Object.entries(versions).filter(([, version]) => version);
  return [
    `# ${machine.cpu}, ${machine.cores} cores${busy ? ', one of them kept busy by another process' : ''}`,
    '',
    `${date.slice(0, 10)}. Measured peak of one thread / all: float32 ${float32.join(' / ')}, bf16 ${bf16.join(' / ')} GFLOP/s.`,
    `Peers: ${used.map(([name, version]) => `${name} ${version}`).join(', ')}; each in the best of its settings.`,
    PRECISIONS[precision],
    'Milliseconds a step, median / 95th percentile; of the peak of that precision: products and convolutions only; memory: peak of the process, MiB.',
    '',
    '| case | threads | dlc | of peak | MiB | best peer | its setting | ratio | MiB | memory |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...rows.map((one) => row(one, peaks)),
    '',
  ].join('\n');
}
