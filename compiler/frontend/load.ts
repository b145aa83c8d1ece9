/**
 * The front door: a model file, its overrides, and out comes a Spec or every problem that was found. Reading it top to
 * bottom is reading the frontend: text, overrides, blocks, expansion, names, sections.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import * as say from '../diagnostics/catalogue';
import { Collector } from '../diagnostics/collector';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { SpecError } from '../diagnostics/errors';
import { checkBlockFile, isBlockFile, readBlocks, texts, type Block } from './blocks';
import { checkFullNames, Connector, findUnused, sortLayers } from './connect';
import { DEFINITIONS, type Definitions } from './definitions';
import { Expander } from './expand';
import { LANGUAGE_VERSION, MODEL } from './language';
import { child, locationOf, locatorOf, SourceText, toJson, type DocNode, type MapNode, type ScalarNode } from './node';
import type { NestedOptions, Nesting } from './nested';
import { applyOverrides } from './overrides';
import { MAX_BYTES, parseText } from './parse';
import { resolve } from './resolved';
import { readAsserts, readBudgets, readData, readInputs, readTerms } from './sections';
import { readWeights } from './weights';
import { resolveSharing } from './share';
import { toEntry, type Scope } from './scope';
import type { Fields, Spec } from './spec';
import { readTests } from './tests';
import { readTrain } from './train';
import { checkKeys, checkValues } from './validate';

export interface LoadOptions {
  /** `key=value` from the command line. */
  readonly overrides?: readonly string[];
  /** Lets `include:` leave the model's folder. */
  readonly allowOutside?: boolean;
  /** Folder that includes start from, where the text did not come from a file there. */
  readonly folder?: string;
  readonly definitions?: Definitions;
  /** Files of blocks alone, for `include:`, are checked too; they have no Spec. */
  readonly blockFiles?: boolean;
  /** Of a model that another one nests: what the other one wants of it. */
  readonly nesting?: Nesting;
}

export interface Checked {
  /** Absent where there are errors. */
  readonly spec?: Spec;
  /** Errors and warnings, sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads and checks a model file. Throws only a UsageError, for overrides that are none. */
export function checkSpec(file: string, options: LoadOptions = {}): Checked {
  const nowhere = new SourceText(file, '').locate(0, 0);
  let bytes: Uint8Array;
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) return { diagnostics: [say.fileTooLarge(nowhere, size, MAX_BYTES)] };
    bytes = readFileSync(file);
  } catch (error) {
    return { diagnostics: [say.unreadableFile(nowhere, reasonOf(error))] };
  }
  return checkSpecText(bytes, file, { folder: path.dirname(file), ...options });
}

/** The same for a text; `file` is its name in messages. */
export function checkSpecText(text: string | Uint8Array, file: string, options: LoadOptions = {}): Checked {
  const parsed = parseText(text, file);
  if (parsed.root === undefined) return { diagnostics: parsed.diagnostics };
  const collector = new Collector();
  for (const diagnostic of parsed.diagnostics) collector.report(diagnostic);
  const { root } = applyOverrides(parsed.root, options.overrides ?? [], collector);
  const spec = new Loader(file, collector, options).load(root);
  return collector.hasErrors || spec === undefined
    ? { diagnostics: collector.all() }
    : { spec, diagnostics: collector.all() };
}

/** A model file's Spec, or a SpecError with everything that is wrong. Warnings are in `checkSpec`. */
export function loadSpec(file: string, options: LoadOptions = {}): Spec {
  return orThrow(checkSpec(file, options));
}

export function loadSpecText(text: string | Uint8Array, file: string, options: LoadOptions = {}): Spec {
  return orThrow(checkSpecText(text, file, options));
}

function orThrow({ spec, diagnostics }: Checked): Spec {
  if (spec === undefined) throw new SpecError(diagnostics);
  return spec;
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES') return 'permission denied';
  return error instanceof Error ? error.message : String(error);
}

class Loader {
  private readonly definitions: Definitions;

  constructor(
    private readonly file: string,
    private readonly collector: Collector,
    private readonly options: LoadOptions,
  ) {
    this.definitions = options.definitions ?? DEFINITIONS;
  }

  load(root: DocNode): Spec | undefined {
    if (root.kind !== 'map') {
      const expected = 'a mapping with `inputs:` and `layers:`';
      this.collector.report(say.wrongKind(locationOf(root), 'a model', expected, toJson(root)));
      return undefined;
    }
    const context = { collector: this.collector, definitions: this.definitions };
    const { folder, allowOutside = false } = this.options;
    if (this.options.blockFiles === true && isBlockFile(root)) {
      checkBlockFile(root, { ...context, folder, allowOutside });
      return undefined;
    }
    this.checkTop(root);
    const inputs = readInputs(child(root, 'inputs'), context);
    const blocks = readBlocks(root, { ...context, folder, allowOutside });
    const items = child(root, 'layers');
    // Inputs that are wrong in themselves can still be referred to.
    const inputsNode = child(root, 'inputs');
    const inputNames = inputsNode?.kind === 'map' ? [...inputsNode.entries.keys()] : [];
    const expanded = new Expander(blocks, this.definitions, this.collector, this.nestedOptions()).expandModel(
      items?.kind === 'list' ? items.items : [],
      inputNames,
    );
    if (expanded.cut) return undefined;

    const connector = new Connector(expanded.scope, this.collector);
    const connected = expanded.layers.map((layer) => connector.layer(layer)).filter((layer) => layer !== undefined);
    const sorted = checkFullNames(connected, this.collector) ? sortLayers(connected, this.collector) : connected;
    const layers = resolveSharing(sorted, this.definitions, this.collector);
    const losses = readTerms(child(root, 'losses'), 'loss', connector, context);
    const metrics = readTerms(child(root, 'metrics'), 'metric', connector, context);
    const { until, from } = this.options.nesting ?? {};
    const outputs = this.readOutputs(root, connector, expanded.scope.previous, until);
    const start = from === undefined ? undefined : connector.topName(from);
    const data = readData(child(root, 'data'), context);
    const train = readTrain(child(root, 'train'), context);
    const { weights, weightMap } = readWeights(child(root, 'weights'), expanded.weights, this.collector);
    const budgets = readBudgets(child(root, 'budgets'), context);
    const asserts = readAsserts(child(root, 'assert'));
    const tests = readTests(child(root, 'tests'), inputs, outputs, train, this.collector);
    const trainEntry = root.entries.get('train');
    const lossCount = child(root, 'losses');
    if (trainEntry !== undefined && (lossCount?.kind !== 'list' || lossCount.items.length === 0)) {
      this.collector.report(say.missingLoss(locationOf(trainEntry.key)));
    }
    if (this.collector.hasErrors) return undefined;
    this.warnUnused(blocks);
    findUnused({ inputs, layers, outputs, terms: [...losses, ...metrics] }, this.collector);

    const sections = toJson(root) as Fields;
    const { description } = sections;
    const spec: Omit<Spec, 'resolved'> = {
      file: this.file,
      name: typeof sections['name'] === 'string' ? sections['name'] : nameOfFile(this.file),
      ...(typeof description === 'string' ? { description } : {}),
      inputs,
      layers,
      outputs,
      losses,
      metrics,
      data,
      ...(train === undefined ? {} : { train }),
      weights,
      ...(weightMap === undefined ? {} : { weightMap }),
      ...(start === undefined ? {} : { start }),
      ...(this.options.nesting === undefined ? {} : { aliases: aliasesIn(expanded.scope, connector) }),
      ...(budgets === undefined ? {} : { budgets }),
      ...(asserts.length === 0 ? {} : { asserts }),
      ...(tests.length === 0 ? {} : { tests }),
      origin: { layer: '', at: locationOf(root), via: [] },
      at: locatorOf(root),
    };
    return { ...spec, resolved: resolve(spec, sections) };
  }

  private checkTop(root: MapNode): void {
    const version = child(root, 'dlc');
    if (version !== undefined && toJson(version) !== LANGUAGE_VERSION) {
      this.collector.report(say.unsupportedVersion(locationOf(version), toJson(version), [LANGUAGE_VERSION]));
    }
    for (const problem of checkKeys(root, MODEL, 'the model')) {
      this.collector.report(problem);
    }
    for (const problem of checkValues(root, TOP)) this.collector.report(problem);
  }

  private nestedOptions(): NestedOptions {
    const { folder, allowOutside = false, nesting } = this.options;
    return { folder, allowOutside, chain: nesting?.chain ?? [], load: checkSpec };
  }

  private readOutputs(
    root: MapNode,
    connector: Connector,
    last: Parameters<typeof toEntry>[0] | undefined,
    until: ScalarNode | undefined,
  ): string[] {
    const written = until ?? child(root, 'outputs');
    if (written === undefined) {
      const name = last === undefined ? undefined : connector.name(toEntry(last));
      return name === undefined ? [] : [name];
    }
    const names: string[] = [];
    for (const text of texts(written)) {
      const name = connector.topName(text);
      if (name === undefined) continue;
      if (names.includes(name))
        this.collector.report(say.invalidValue(locationOf(text), 'outputs', `names \`${name}\` twice`));
      names.push(name);
    }
    return names;
  }

  private warnUnused(blocks: ReadonlyMap<string, Block>): void {
    for (const block of blocks.values()) {
      if (!block.usage.used) {
        if (!block.included) this.collector.report(say.unusedBlock(locationOf(block.key), block.name));
        continue;
      }
      for (const param of block.params.values()) {
        if (!block.usage.params.has(param.name)) {
          this.collector.report(say.unusedParameter(locationOf(param.key), param.name, block.name));
        }
      }
    }
  }
}

/** What names of blocks and repeats stand for, for the model around a nested one. */
function aliasesIn(scope: Scope, connector: Connector): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const [name, entry] of scope.locals) {
    const stands = entry.kind === 'value' ? undefined : connector.name(toEntry(entry));
    if (stands !== undefined) aliases.set(name, stands);
  }
  return aliases;
}

/** The version has a message of its own. */
const TOP = { fields: Object.fromEntries(Object.entries(MODEL.fields).filter(([name]) => name !== 'dlc')) };

function nameOfFile(file: string): string {
  const base = path.basename(file).replace(/\.(ya?ml|json)$/i, '');
  return base === '' || base.startsWith('<') ? 'model' : base;
}
