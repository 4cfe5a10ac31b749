# Predicts a split as CSV on standard output. Used behind common.awk on two files: the
# model as descend.awk prints it, then the split.

BEGIN { FS = "\t" }

NR == FNR && FNR == 1 { bias = $2; next }
NR == FNR { weight[$1] = $2; weights++; next }

# The model is cut at tabs, the split at commas: assigning $0 cuts the line anew.
{ FS = ","; sub(/\r$/, ""); $0 = $0 }
$0 == "" { next }

FNR == 1 {
    header()
    for (j = 1; j <= columns; j++) known += name[column[j]] in weight
    if (known != weights || columns != weights) refuse(65, "", "split " split_name " has not the columns of split train")
    print "id,y_true,y_pred"
    next
}

{
    check(++rows)
    sum = bias
    for (j = 1; j <= columns; j++) sum += weight[name[column[j]]] * $(column[j])
    printf "%s,%s,%.17g\n", id_at ? $id_at : rows - 1, $target_at, sum
}
