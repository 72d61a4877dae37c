-- settings of a transaction that types a large delivery: all cores, and joins in memory
-- grain:  none
-- reads:
-- writes: nothing
set local parallel_setup_cost = 0;
set local parallel_tuple_cost = 0;
set local work_mem = '128MB'
