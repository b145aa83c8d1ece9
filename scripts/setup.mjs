// Makes a bare clone ready: system packages, npm packages, native runtime, bundled command line.
// Every part is skipped where it is up to date, so that a second run takes a second or two.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { has, heading, root, run, runQuietly, runWithProgress } from './console.mjs';

/** Debian packages; without an optional one some tests print a skip. */
const PACKAGES = [
  { name: 'g++', present: () => has('g++') },
  { name: 'make', present: () => has('make') },
  { name: 'cmake', present: () => has('cmake') },
];
const TEST_PACKAGES = [
  { name: 'clang-format', present: () => has('clang-format'), optional: true },
  { name: 'hdf5-tools', present: () => has('h5dump'), optional: true },
];

function installSystemPackages(packages) {
  const missing = packages.filter((p) => !p.present());
  if (missing.length === 0) return;
  const names = missing.map((p) => p.name);
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const mayInstall = has('apt-get') && (asRoot.length === 0 || has('sudo', ['-n', 'true']));
  if (mayInstall) {
    heading(`installing ${names.join(', ')}`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (log, args) => {
      const [program, ...rest] = [...asRoot, 'apt-get', ...args];
      runQuietly(log, program, rest, { env });
    };
    apt('apt-update', ['update']);
    apt('apt-install', ['install', '-y', '--no-install-recommends', ...names]);
    return;
  }
  const required = missing.filter((p) => !p.optional);
  const command = `sudo apt-get install -y ${names.join(' ')}`;
  if (required.length > 0) {
    console.error(`Missing: ${required.map((p) => p.name).join(', ')}. Install with:\n\n  ${command}\n`);
    process.exit(3);
  }
  heading(`going on without ${names.join(', ')} (${command})`);
}

function installNodePackages() {
  const lock = readFileSync(path.join(root, 'package-lock.json'), 'utf8');
  const stamp = path.join(root, 'node_modules/.dlc-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  heading('installing npm packages');
  // Not `npm ci`: it refuses a lock file that leaves out optional packages for platforms a registry does not serve.
  runQuietly('npm', 'npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund']);
  run('node', ['-e', `require('node:fs').copyFileSync('package-lock.json', 'node_modules/.dlc-lock')`]);
}

/** `forTests` adds the programs that only tests use. */
export async function setup({ forTests = false } = {}) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 9)) {
    console.error(`dlc needs Node 20.9 or newer; this is ${process.version}`);
    process.exit(3);
  }
  installSystemPackages(forTests ? [...PACKAGES, ...TEST_PACKAGES] : PACKAGES);
  installNodePackages();
  await buildNative('native', forTests ? ['-DDLC_TESTS=ON'] : []);
  await build();
}

/** Configures where that was not done yet and compiles what changed, into build/<folder>. */
export async function buildNative(folder = 'native', options = []) {
  const dir = path.join(root, 'build', folder);
  const cache = path.join(dir, 'CMakeCache.txt');
  const known = existsSync(cache) ? readFileSync(cache, 'utf8') : '';
  // `-DNAME=VALUE` stands in the cache as `NAME:TYPE=VALUE`.
  const isSet = (option) => {
    const [name, value] = option.slice(2).split('=');
    return known.split('\n').some((line) => line.startsWith(`${name}:`) && line.endsWith(`=${value}`));
  };
  if (known === '' || !options.every(isSet)) {
    heading(`configuring the native runtime (build/${folder})`);
    runQuietly(`cmake-${folder}`, 'cmake', [
      '-S',
      root,
      '-B',
      dir,
      '-DCMAKE_BUILD_TYPE=Release',
      `-DNODE_API_INCLUDE=${path.join(root, 'node_modules/node-api-headers/include')}`,
      `-DNODE_ADDON_API_INCLUDE=${path.join(root, 'node_modules/node-addon-api')}`,
      ...options,
    ]);
  }
  heading(`building the native runtime (build/${folder})`);
  await runWithProgress(`make-${folder}`, 'cmake', ['--build', dir, '--parallel', '2']);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await setup();
