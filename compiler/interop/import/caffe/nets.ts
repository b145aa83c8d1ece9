/**
 * Several files of one net as one list of layers: the net for training in its phases, and the net for prediction, which
 * has no data and losses and often another end. Layers are the same where name and type are.
 */
import type { PhasedLayer } from './graph';
import { isData, isLoss, isMetric } from './layers';
import { layersIn, stagesOf, type CaffeNet, type NetLayer, type NetState, type Phase } from './net';

export interface Nets {
  /** In the phase TRAIN. */
  readonly train?: CaffeNet;
  /** In the phase TEST, where another file has it. */
  readonly test?: CaffeNet;
  readonly deploy?: CaffeNet;
}

/** The names that the solver gives its files. */
export interface Roles {
  readonly train: readonly string[];
  readonly test: readonly string[];
}

/** Data for the phase TRAIN alone. */
const isForTraining = (layer: NetLayer): boolean =>
  isData(layer) && layer.include.some(({ phase }) => phase === 'TRAIN') && layer.type !== 'Input';

/** All of its data is for the phase TEST. */
function isForTests({ layers }: CaffeNet): boolean {
  const data = layers.filter((layer) => isData(layer) && layer.type !== 'Input');
  return (
    data.length > 0 && data.every(({ include }) => include.length > 0 && include.every(({ phase }) => phase === 'TEST'))
  );
}

const baseName = (file: string): string => file.replace(/^.*[/\\]/, '');

/** Which net is which, by what they hold, the solver and their names. */
export function rolesOf(
  nets: readonly CaffeNet[],
  roles: Roles,
): { readonly nets: Nets; readonly rest: readonly CaffeNet[] } {
  const learning = nets.filter(
    (net) => !isForTests(net) && net.layers.some((layer) => isLoss(layer.type) || isForTraining(layer)),
  );
  const named = (names: readonly string[]): CaffeNet | undefined =>
    nets.find(({ file }) => names.some((name) => baseName(name) === baseName(file)));
  const train = named(roles.train) ?? learning.find(({ file }) => /train/i.test(baseName(file))) ?? learning[0];
  const others = nets.filter((net) => net !== train);
  const isTest = (net: CaffeNet): boolean =>
    learning.includes(net) ||
    net.layers.some((layer) => (isData(layer) && layer.type !== 'Input') || isMetric(layer.type));
  const test =
    train === undefined ? undefined : (others.find((net) => net === named(roles.test)) ?? others.find(isTest));
  const deploy = others.find((net) => net !== test && (train === undefined || !isTest(net)));
  const chosen = [train, test, deploy];
  return {
    nets: {
      ...(train === undefined ? {} : { train }),
      ...(test === undefined ? {} : { test }),
      ...(deploy === undefined ? {} : { deploy }),
    },
    rest: nets.filter((net) => !chosen.includes(net)),
  };
}

export interface States {
  readonly train: NetState;
  readonly test: NetState;
}

/** The state that a net is looked at in where the solver says nothing: the stages that its rules ask for first. */
export function usualState(net: CaffeNet | undefined, phase: Phase): NetState {
  return { phase, level: 0, stages: net === undefined ? [] : stagesOf(net, phase).slice(0, 1) };
}

const keyOf = ({ name, type }: NetLayer): string => `${type}\0${name}`;
const hasOrigin = (layer: NetLayer): boolean => isData(layer);

/** The layers of all nets in one list. */
export function mergedLayers({ train, test, deploy }: Nets, states: States): PhasedLayer[] {
  if (train === undefined) {
    return layersIn(deploy!, states.test).map((layer) => ({ layer, deployed: true }));
  }
  const training = layersIn(train, states.train);
  const testing = layersIn(test ?? train, states.test);
  const deployed = deploy === undefined ? undefined : layersIn(deploy, usualState(deploy, 'TEST'));
  const [inTraining, inTesting] = [new Set(training.map(keyOf)), new Set(testing.map(keyOf))];
  const inDeploy = deployed === undefined ? undefined : new Set(deployed.map(keyOf));
  const isEnd = (layer: NetLayer): boolean => isLoss(layer.type) || isMetric(layer.type);
  const list: PhasedLayer[] = training.map((layer) => ({
    layer,
    deployed: inDeploy?.has(keyOf(layer)) ?? true,
    ...(inTesting.has(keyOf(layer)) || isEnd(layer) || hasOrigin(layer) ? {} : { when: 'train' as const }),
  }));
  const tops = new Set(training.flatMap((layer) => layer.tops));
  for (const layer of testing) {
    if (inTraining.has(keyOf(layer)) || hasOrigin(layer)) continue;
    list.push({
      layer,
      deployed: inDeploy?.has(keyOf(layer)) ?? true,
      ...(isEnd(layer) ? {} : { when: 'eval' as const }),
    });
    for (const top of layer.tops) tops.add(top);
  }
  if (deployed === undefined) return list;
  const there = new Set(list.map(({ layer }) => keyOf(layer)));
  const aliases = aliasesOf(training, deployed);
  for (const layer of deployed) {
    if (there.has(keyOf(layer)) || hasOrigin(layer)) continue;
    list.push({ layer, deployed: true, aliases });
  }
  return list;
}

/** What blobs of the net for prediction are called in that for training, by the layers that make or read them. */
function aliasesOf(training: readonly NetLayer[], deployed: readonly NetLayer[]): ReadonlyMap<string, string> {
  const byKey = new Map(training.map((layer) => [keyOf(layer), layer]));
  const aliases = new Map<string, string>();
  for (const layer of deployed) {
    const twin = byKey.get(keyOf(layer));
    layer.tops.forEach((top, i) => {
      const theirs = twin?.tops[i];
      if (theirs !== undefined && theirs !== top) aliases.set(top, theirs);
    });
    layer.bottoms.forEach((bottom, i) => {
      const theirs = twin?.bottoms[i];
      if (theirs !== undefined && theirs !== bottom && !aliases.has(bottom)) aliases.set(bottom, theirs);
    });
  }
  return aliases;
}
