/** Ctrl-C asks for an orderly end; a second one ends at once. */
import { EXIT } from './command';

export interface Interrupt {
  readonly requested: () => boolean;
  readonly release: () => void;
}

export function listenForInterrupt(onRequest: () => void): Interrupt {
  let requested = false;
  const listen = (): void => {
    if (requested) process.exit(EXIT.interrupted);
    requested = true;
    onRequest();
  };
  process.on('SIGINT', listen);
  process.on('SIGTERM', listen);
  return {
    requested: () => requested,
    release: () => {
      process.off('SIGINT', listen);
      process.off('SIGTERM', listen);
    },
  };
}
