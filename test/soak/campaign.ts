/** What a fuzzing campaign is made of. Each runs in a process of its own, which may be killed at any time. */

export interface Campaign {
  /** How many inputs there are, where each is tried once: they are numbered from 0. */
  readonly inputs?: number;
  /**
   * One input, made of its number alone so that it can be made again. Answers in a word what became of it (`accepted`,
   * or why it was refused); whatever it throws is a mistake in dlc, and so are a crash and a hang.
   */
  readonly run: (seed: number) => Promise<string>;
}

export interface CampaignDef {
  /** Seconds after which an input counts as hanging: on a busy machine, far more than any takes. */
  readonly limit: number;
  readonly open: (scratch: string) => Promise<Campaign>;
}
