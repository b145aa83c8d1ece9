/** Training in bfloat16 ends where training in float32 ends: LeNet on the digits that dlc draws itself. */
import { trainZoo } from './training';

jest.setTimeout(180_000);

test('lenet reaches the accuracy of float32 within half a point', async () => {
  const accuracyWith = async (precision: string): Promise<number> => {
    const { figures } = await trainZoo('lenet', ['train.epochs=4', `train.precision=${precision}`]);
    return figures['accuracy']!;
  };
  const wide = await accuracyWith('float32');
  expect(wide).toBeGreaterThan(0.97);
  expect(Math.abs((await accuracyWith('bfloat16')) - wide)).toBeLessThanOrEqual(0.005);
});
