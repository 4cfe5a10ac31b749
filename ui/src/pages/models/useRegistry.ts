/** A change of the registry: whatever is shown of it is asked anew when it is done. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { keys } from "~/api/queries";

export function useRegistry<Wish, Answer>(act: (wish: Wish) => Promise<Answer>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: act,
    // A refused promotion leaves its line in the trail.
    onSettled: () => queries.invalidateQueries({ queryKey: keys.registry }),
  });
}
