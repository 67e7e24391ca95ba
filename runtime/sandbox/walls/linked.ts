/** What Node's types leave out of its report. */
interface Report {
  excludeNetwork: boolean;
  getReport(): object;
}

/** Returns the files of the libraries that this Node was started with, and of what loads them. */
export function linkedLibraries(): readonly string[] {
  const report = process.report as unknown as Report;
  const before = report.excludeNetwork;
  // Else it would ask the name servers who is connected.
  report.excludeNetwork = true;
  const { sharedObjects } = report.getReport() as { readonly sharedObjects: readonly string[] };
  report.excludeNetwork = before;
  // Native code of packages is the host's alone; what the kernel lends is no file.
  return sharedObjects.filter((path) => path.startsWith("/") && !path.endsWith(".node"));
}
