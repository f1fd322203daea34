/** The address of the server, by the address of one of its pages. A proxy may serve it under a path. */

/** `path` is that of a page: `/slots/`, `/slots/staff` or `/slots/c/<calendar>`. */
export function homeOf(path: string): string {
  return path.replace(/(\/c\/[^/]+|\/staff(?:\/server)?|\/)$/, "");
}

/** The calendar in the path of its page. */
export const calendarOf = (path: string): string =>
  decodeURIComponent(/\/c\/([^/]*)$/.exec(path)?.[1] ?? "");

/** The address of the server of this page, without a last slash. */
export const pageHome = (): string => location.origin + homeOf(location.pathname);
