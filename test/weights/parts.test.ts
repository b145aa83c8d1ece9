/** The parts below the weight files: blocks of tensors, paths of names. */
import fc from 'fast-check';
import { elementCount } from '../../compiler/ir/types';
import { blocksOf } from '../../compiler/weights/blocks';
import { groupsOf, nameOf, pathOf } from '../../compiler/weights/names';

it('cuts any tensor into consecutive blocks within the limit that cover it once', () => {
  const shapes = fc.array(fc.nat(7), { maxLength: 4 });
  fc.assert(
    fc.property(shapes, fc.integer({ min: 1, max: 50 }), (shape, limit) => {
      let next = 0;
      for (const block of blocksOf(shape, limit)) {
        expect(block.start).toBe(next);
        expect(block.length).toBe(elementCount(block.count));
        expect(block.length).toBeLessThanOrEqual(limit);
        const first = block.offset.reduce((flat, at, axis) => flat * shape[axis]! + at, 0);
        expect(first).toBe(block.start);
        next += block.length;
      }
      expect(next).toBe(elementCount(shape));
    }),
  );
});

it('names tensors and slots by their paths and back', () => {
  expect(pathOf('/weights', 'stage1/0/conv1.weight', 1)).toBe('/weights/stage1/0/conv1/weight');
  expect(pathOf('/optimizer', 'fc.weight.momentum', 2)).toBe('/optimizer/fc/weight/momentum');
  expect(nameOf('/weights', '/weights/stage1/0/conv1/weight', 1)).toBe('stage1/0/conv1.weight');
  expect(nameOf('/optimizer', '/optimizer/a/b/weight/m', 2)).toBe('a/b.weight.m');
  expect(nameOf('/weights', '/weights/weight', 1)).toBeUndefined();
  expect(() => pathOf('/weights', 'weight', 1)).toThrow('does not name a tensor');
});

it('makes groups parents first and refuses a tensor that is a layer too', () => {
  expect(groupsOf(['/weights/a/b/w', '/weights/a/v'])).toEqual(['/weights', '/weights/a', '/weights/a/b']);
  expect(() => groupsOf(['/weights/a/b', '/weights/a/b/w'])).toThrow('a tensor and a layer at once');
});
