import Database from "better-sqlite3";

/**
 * Takes a lock that the system lets go of when the process ends, however it ends.
 *
 * SQLite's own lock of a file is used, because Node offers none: it is atomic, and nothing of a
 * killed owner has to be cleared away.
 *
 * @param path  of a file that holds nothing else
 * @returns     what gives the lock back, or undefined when somebody has it
 */
export function takeLock(path: string): Disposable | undefined {
  const database = new Database(path, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY"))
      return undefined;
    throw error;
  }
  return { [Symbol.dispose]: () => void database.close() };
}
