// The README's first command: sets everything up and does the main job once, so that a newcomer sees it work.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { heading, root } from './console.mjs';
import { setup } from './setup.mjs';

const RUN_DIR = 'runs/lenet/quickstart';
/** Enough for 98 % on the built-in digits. */
const EPOCHS = 8;

function dlc(...args) {
  console.log(`\n$ npx dlc ${args.join(' ')}`);
  const result = spawnSync(process.execPath, [path.join(root, 'dist/dlc.js'), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

await setup();
rmSync(path.join(root, RUN_DIR), { recursive: true, force: true });
heading('ready: training LeNet on handwritten digits that dlc draws itself');
dlc('validate', 'models/lenet.yaml');
dlc('train', 'models/lenet.yaml', `train.epochs=${EPOCHS}`, '--run-dir', RUN_DIR);
dlc('predict', 'models/lenet.yaml', '--weights', `${RUN_DIR}/weights.h5`, '--samples', '6', '--show');
console.log(`Next: npx dlc init my-model, or read ${RUN_DIR}/report.html and docs/guide.md`);
