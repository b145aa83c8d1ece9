/** The version of dlc, put in by the bundler (and by the test runner's configuration). */
declare const DLC_VERSION: string;

export const VERSION: string = DLC_VERSION;
